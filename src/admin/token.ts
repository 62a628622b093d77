/** The token that whoever changes something has to send: made once, kept in a file that only its owner can read. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fchmodSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { SetupError } from '../gateway/build-migration.ts';

const BYTES = 24;
/** A token as a file may state it; what is shorter can be guessed. */
const FORM = /^[\w.~+/=-]{16,512}$/;
const OTHERS = 0o077;

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
  let text: string;
  try {
    if ((statSync(file).mode & OTHERS) !== 0)
      throw new Error(`others may read ${file}: chmod 600 it, or remove it and a new token is made`);
    text = readFileSync(file, 'utf8').trim();
    if (!FORM.test(text))
      throw new Error(`${file} holds no token: remove it and one is made, or write 16 characters or more`);
  } catch (error) {
    throw new SetupError(`admin.tokenFile: ${(error as Error).message}`, { cause: error });
  }
  return text;
}

/** Whether two tokens are one, in a time that does not tell where they differ. */
export function isSameToken(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
