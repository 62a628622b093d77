/** What `skewgate log` reads through: a file that its writer goes on writing and rotating at every moment. */
import fs from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Tail } from '../../src/cli/tail.ts';
import { LogFile } from '../../src/decision/file.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { tempFolder } from '../support/folder.ts';

test('lines written and files rotated between any two steps of the reader: each is seen once and in order', async () => {
  const folder = tempFolder();
  // What a disk does in its own time is not asked here.
  for (const sync of ['fsyncSync', 'fdatasyncSync'] as const) {
    const spy = vi.spyOn(fs, sync).mockImplementation(() => {});
    onTestFinished(() => spy.mockRestore());
  }
  let between = () => {};
  const handle = await open(path.join(folder, 'any'), 'w');
  const steps: FileHandle = Object.getPrototypeOf(handle);
  await handle.close();
  for (const step of ['read', 'stat'] as const) {
    const real = steps[step] as (...args: unknown[]) => Promise<unknown>;
    const spy = vi.spyOn(steps, step).mockImplementation(async function (
      this: FileHandle,
      ...args: unknown[]
    ) {
      const result = await real.apply(this, args);
      between();
      return result as never;
    });
    onTestFinished(() => spy.mockRestore());
  }

  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      async (counts, perFile) => {
        const file = path.join(folder, `lines-${run++}`);
        fs.writeFileSync(file, '');
        const tail = await Tail.open(file);
        const log = new LogFile({
          path: file,
          rotate: perFile * 'line 000\n'.length,
          keep: 100,
          durable: true,
          buffer: 1e6,
          clock: new VirtualClock(0),
          lostLine: () => '',
          onError: (error) => {
            throw error;
          },
        });
        const written: string[] = [];
        const seen: string[] = [];
        const bursts = counts.values();
        between = () => {
          for (let left = bursts.next().value ?? 0; left > 0; left--) {
            const line = `line ${String(written.length).padStart(3, '0')}`;
            log.write(`${line}\n`);
            written.push(line);
          }
        };
        // Each read takes two steps at least, so that all bursts come, and one look more sees the last of them.
        for (let look = 0; look <= counts.length; look++) await tail.read((line) => seen.push(line));
        expect(seen).toEqual(written);
        expect(written).toHaveLength(counts.reduce((sum, count) => sum + count, 0));
        await tail.close();
        await log.close();
      },
    ),
    { numRuns: 40 },
  );
});
