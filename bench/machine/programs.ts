/** Which programs the machine has. */
import { accessSync, constants, readdirSync } from 'node:fs';
import path from 'node:path';

/** Where Debian keeps programs that are in no user's path. */
const FURTHER = ['/usr/sbin', '/usr/local/sbin', ...postgresFolders()];

/** The path of a program; null if the machine does not have it. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), ...FURTHER];
  return folders.map((folder) => path.join(folder, name)).find(isProgram) ?? null;
}

/** Says which of the programs are missing; null if none is. */
export function missing(...names: readonly string[]): string | null {
  const absent = names.filter((name) => findProgram(name) === null);
  return absent.length === 0 ? null : `not on this machine: ${absent.join(', ')}`;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function postgresFolders(): string[] {
  try {
    return readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}
