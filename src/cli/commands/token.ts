/** `skewgate token`: a secret by which a gate knows a client, and the hash that goes into the gate's config. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { hashOfToken } from '../../config/clients.ts';
import { requireSecretFile } from '../../transport/secret-file.ts';
import { requireToken, TOKEN_PREFIX } from '../../wire/token.ts';
import { printableJson } from '../printable.ts';
import { UsageError } from '../usage.ts';

interface Options {
  readonly out?: string;
  readonly of?: string;
  readonly json?: true;
}

/** 256 bits. */
const BYTES = 32;

/** Defines `token`. */
export function addToken(program: Command): void {
  program
    .command('token')
    .description(
      "Make a token for a client, and print it with its hash. The client gets the token (SKEWGATE_CLIENT_TOKEN, tokenFile= in the driver's URL, connect --token-file), the gate's config the hash (clients.tokens).",
    )
    .option(
      '--out <file>',
      'write the token to a new file that only its owner may read, and print the hash alone',
    )
    .option('--of <file>', 'make none: print the hash of the one in this file')
    .option('--json', 'print one JSON object')
    .action(run);
}

function run({ out, of, json }: Options): void {
  if (out !== undefined && of !== undefined) throw new UsageError('state --out or --of, not both');
  const token = of === undefined ? TOKEN_PREFIX + randomBytes(BYTES).toString('base64url') : tokenIn(of);
  if (out !== undefined) writeNew(out, token);
  const shown = { ...(out === undefined && of === undefined && { token }), hash: hashOfToken(token) };
  const lines = Object.entries(shown).map(([name, value]) => `${name}: ${value}`);
  console.log(json ? printableJson(shown) : lines.join('\n'));
}

/** @throws {UsageError} which does not quote what is in the file */
function tokenIn(file: string): string {
  try {
    const token = requireSecretFile(file);
    requireToken(token);
    return token;
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`);
  }
}

/** Never over another one: clients may go by it. @throws {UsageError} */
function writeNew(file: string, token: string): void {
  let open: number;
  try {
    open = openSync(file, 'wx', 0o600);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  try {
    writeSync(open, `${token}\n`);
  } finally {
    closeSync(open);
  }
}
