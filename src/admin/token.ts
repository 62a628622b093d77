/**
 * Tokens as files and the environment hold them. A file that holds one may be read by its owner only. Where none is
 * stated, one is made at the first start.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, openSync, writeSync } from 'node:fs';
import { SetupError } from '../gateway/build-migration.ts';
import { readSecretFile } from '../transport/secret-file.ts';

const BYTES = 24;
/** A token as a file may state it; what is shorter can be guessed. */
const FORM = /^[\w.~+/=-]{16,512}$/;
/** One that is stated has room for 128 random bits, in base64 or hex: no number of guesses is enough. */
const STATED = /^[\w.~+/=-]{22,512}$/;
/** Of 22 random characters of base64 hardly ever fewer differ; of what people type for a trial, nearly always. */
const LEAST_DIFFERENT = 8;

/**
 * The token in `file`, which is made where there is none.
 * @throws {SetupError} if it can't be read or made, holds no token, or others than its owner may read it
 */
export function takeToken(file: string): string {
  try {
    return makeToken(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new SetupError(`admin.tokenFile: ${(error as Error).message}`, { cause: error });
    return readToken(file);
  }
}

/** @throws {Error} with code EEXIST if the file is there */
function makeToken(file: string): string {
  const token = randomBytes(BYTES).toString('base64url');
  const open = openSync(file, 'wx', 0o600);
  try {
    fchmodSync(open, 0o600);
    writeSync(open, `${token}\n`);
  } finally {
    closeSync(open);
  }
  return token;
}

/** The token in a file that is there. @throws {SetupError} as `takeToken` does */
export function readToken(file: string): string {
  try {
    const text = readOwn(file, 'or remove it and a new token is made');
    if (!FORM.test(text))
      throw new Error(`${file} holds no token: remove it and one is made, or write 16 characters or more`);
    return text;
  } catch (error) {
    throw new SetupError(`admin.tokenFile: ${(error as Error).message}`, { cause: error });
  }
}

/** Where a token is stated to be. */
export interface TokenPlace {
  readonly env?: string | undefined;
  /** Its whole path. */
  readonly file?: string | undefined;
}

/** The token at a place. @throws {Error} if it is not there, is none, or others may read it; no part of it is in the message */
export function readStatedToken({ env, file }: TokenPlace): string {
  if (file !== undefined) return checkStated(readOwn(file, 'it holds a token'), file);
  const text = process.env[env as string];
  if (text === undefined || text === '') throw new Error(`the environment has no ${env}`);
  return checkStated(text, `the environment variable ${env}`);
}

function checkStated(text: string, place: string): string {
  if (STATED.test(text) && new Set(text).size >= LEAST_DIFFERENT) return text;
  throw new Error(`${place} holds no token: make one with \`openssl rand -base64 24\``);
}

/** @param otherwise what else can be done where others may read it */
function readOwn(file: string, otherwise: string): string {
  const { text, isOpen } = readSecretFile(file);
  if (isOpen) throw new Error(`others may read ${file}: chmod 600 it, ${otherwise}`);
  return text;
}

/** What is kept of a token to compare others with: of one length, and no way back. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
