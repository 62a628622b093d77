/**
 * The config's `clients`: the tokens by which clients are known, and whether one has to be known at all. A gate keeps
 * hashes only: what a file or a variable holds is hashed as the config is read, and so read again by each reload.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { readSecretFile } from '../transport/secret-file.ts';
import { requireToken } from '../wire/token.ts';
import { eachNameOnce } from './checked.ts';
import { shownName } from './identities.ts';
import type { Spelled } from './problems.ts';

const HASH = /^sha256:[0-9a-f]{64}$/;
const PLACES = ['hash', 'file', 'env'] as const;
/** Each is compared with what a client sends. */
const MOST = 1_000;

const token = z
  .strictObject({
    name: shownName.describe('who has it: for `identities`, records, metrics and the page'),
    hash: z
      .string()
      .regex(HASH, 'a hash is sha256: and 64 hex digits, as `skewgate token` prints it')
      .optional()
      .describe('`sha256:` and the SHA-256 of the token in hex, as `skewgate token` prints it'),
    file: z
      .string()
      .min(1)
      .optional()
      .describe('a file with the token, that only its owner may read (mode 0600), or with its hash'),
    env: z
      .string()
      .regex(/^\w+$/)
      .optional()
      .describe('name of an environment variable with the token, or with its hash'),
  })
  .refine((entry) => PLACES.filter((key) => entry[key] !== undefined).length === 1, {
    message: 'a token has one of hash, file and env',
  });

export const clients = z
  .strictObject({
    tokens: z
      .array(token)
      .max(MOST)
      .superRefine(eachNameOnce('token'))
      .default([])
      .describe('secrets that clients send in their hello'),
    required: z
      .boolean()
      .optional()
      .describe(
        'whether clients that are not known are refused; default: true where there are `identities` or tokens; false only without `identities`, while tokens are handed out',
      ),
  })
  .prefault({});

/** What the config says of clients. A token that was read has its hash, whatever place it was read from. */
export type Clients = z.infer<typeof clients>;

/** The hash of a token, as configs state it. */
export function hashOfToken(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/**
 * Hashes what files and variables hold.
 * @param folder where relative paths start
 * @param problems gets what is wrong, which never quotes a token
 */
export function readTokens(
  { tokens, ...rest }: Clients,
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
  problems: Spelled[],
): Clients {
  const read = tokens.map((entry, at) => {
    const key = entry.file === undefined ? 'env' : 'file';
    try {
      return { ...entry, hash: hashFrom(entry, folder, environment) };
    } catch (error) {
      problems.push({ path: ['clients', 'tokens', at, key], message: (error as Error).message });
      return entry;
    }
  });
  for (const [at, { hash, name }] of read.entries()) {
    const same = read.findIndex((other) => hash !== undefined && other.hash === hash);
    if (same >= 0 && same < at)
      problems.push({
        path: ['clients', 'tokens', at],
        message: `${JSON.stringify(name)} has the same token as ${JSON.stringify(read[same]?.name)}`,
      });
  }
  return { ...rest, tokens: read };
}

function hashFrom(
  { hash, file, env = '' }: Clients['tokens'][number],
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (file !== undefined) {
    const { text, isOpen } = readSecretFile(path.resolve(folder, file));
    if (HASH.test(text)) return text;
    if (isOpen) throw new Error(`others may read ${file}: chmod 600 it, or keep the hash of the token in it`);
    return hashed(text);
  }
  if (hash !== undefined) return hash;
  const text = environment[env];
  if (text === undefined) throw new Error(`the environment has no ${env}`);
  return HASH.test(text) ? text : hashed(text);
}

function hashed(text: string): string {
  requireToken(text);
  return hashOfToken(text);
}
