/** A secret in a file: it is read only where nobody but its owner may do so too. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes; a token is shorter. */
const LONGEST = 4_096;
const OTHERS = 0o077;

export interface SecretFile {
  /** Without blanks around it. */
  readonly text: string;
  /** Whether others than its owner may read it. */
  readonly isOpen: boolean;
}

/** What stands in a small file. @throws {Error} if it can't be read, or is no small file; nothing of it is quoted */
export function readSecretFile(file: string): SecretFile {
  const open = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(LONGEST + 1);
    const length = fill(open, buffer);
    if (length > LONGEST) throw new Error(`${file} has more than ${LONGEST} bytes`);
    const text = buffer.toString('utf8', 0, length).trim();
    return { text, isOpen: (fstatSync(open).mode & OTHERS) !== 0 };
  } finally {
    closeSync(open);
  }
}

/** A pipe gives what it has piece by piece. */
function fill(open: number, buffer: Buffer): number {
  let length = 0;
  while (length < buffer.length) {
    const read = readSync(open, buffer, length, buffer.length - length, null);
    if (read === 0) break;
    length += read;
  }
  return length;
}

/** @throws {Error} as `readSecretFile` does, and if others may read it */
export function requireSecretFile(file: string): string {
  const { text, isOpen } = readSecretFile(file);
  if (isOpen) throw new Error(`others may read ${file}: chmod 600 it`);
  return text;
}
