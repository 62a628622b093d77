/** A disk of a few kilobytes (tmpfs), so that a full one can be had for real. Needs the right to mount. */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { tempFolder } from '../support/folder.ts';

export interface SmallDisk {
  /** Where the log goes. */
  readonly file: string;
  /** Takes all but `left` bytes. */
  fill(left: number): void;
  /** Gives them back. */
  free(): void;
  /** Removes all files. */
  clear(): void;
}

/** Why no disk can be mounted here; null if one can. */
export const NO_MOUNT: string | null = (() => {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `a small disk can't be mounted here: ${(error as Error).message.split('\n').at(1) ?? error}`;
  }
})();
if (NO_MOUNT !== null) console.log(`skipped: ${NO_MOUNT}`);

export function mountSmallDisk(kilobytes: number): SmallDisk {
  const folder = tempFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder]);
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]));
  const filler = path.join(folder, 'filler');
  return {
    file: path.join(folder, 'decisions.ndjson'),
    fill(left) {
      const { bavail, bsize } = statfsSync(folder);
      try {
        writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - left)));
      } catch (error) {
        // The log took its share meanwhile: the disk is full, as it should be.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    free: () => rmSync(filler, { force: true }),
    clear() {
      for (const name of readdirSync(folder)) rmSync(path.join(folder, name));
    },
  };
}
