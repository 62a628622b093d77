/** A disk that takes its time: a FIFO that nobody reads for a while. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, createReadStream, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tempFolder } from '../support/folder.ts';
import { expectNoneMissing, lostIn, numbersOf, parseLines, range, record, setUp } from './support.ts';

function newFifo(): string {
  const fifo = path.join(tempFolder(), 'fifo');
  execFileSync('mkfifo', [fifo]);
  return fifo;
}

test('the writer goes on at once, memory stays bounded, and what found no room is told in its place', async () => {
  const fifo = newFifo();
  const { log, troubles } = setUp(fifo, { buffer: 10_000 });
  // A pipe holds 64 KiB: nearly a megabyte has no room.
  for (const number of range(0, 6_000)) log.write(record(number));
  expect(log.lost).toBeGreaterThan(5_000);
  const read = text(createReadStream(fifo));
  await log.close();
  const lines = parseLines(await read);
  expectNoneMissing(lines, 6_000);
  expect(lines.at(-1)?.event).toBe('log-lost');
  expect(log.lostInAll).toBe(lostIn(lines));
  expect(troubles).toEqual([]);
});

test('with enough memory a slow disk costs nothing', async () => {
  const fifo = newFifo();
  const { log } = setUp(fifo, { buffer: 4_000_000 });
  for (const number of range(0, 6_000)) log.write(record(number));
  const read = text(createReadStream(fifo));
  await log.close();
  const lines = parseLines(await read);
  expect(numbersOf(lines)).toEqual(range(0, 6_000));
  expect(lostIn(lines)).toBe(0);
});

test('property: however writing and reading alternate, each record arrives once or is counted', async () => {
  const fifo = newFifo();
  const step = fc.oneof(
    fc.record({ write: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ read: fc.integer({ min: 1, max: 60_000 }) }),
    fc.constant('pass' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { log } = setUp(fifo, { buffer: 5_000 });
      const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
      const chunks: Buffer[] = [];
      let total = 0;
      for (const step of steps) {
        if (step === 'pass') await pass();
        else if ('write' in step) for (let n = 0; n < step.write; n++) log.write(record(total++));
        else chunks.push(readSome(reader, step.read));
      }
      let closed = false;
      const closing = log.close().then(() => {
        closed = true;
      });
      while (!closed) {
        chunks.push(readSome(reader, 65_536));
        await pass();
      }
      await closing;
      chunks.push(readSome(reader, 1_000_000));
      closeSync(reader);
      expectNoneMissing(parseLines(Buffer.concat(chunks).toString()), total);
    }),
    { numRuns: 40 },
  );
});

const pass = () => new Promise((resolve) => setImmediate(resolve));

/** What is there, at most `count` bytes. */
function readSome(fd: number, count: number): Buffer {
  const chunk = Buffer.alloc(count);
  try {
    return chunk.subarray(0, readSync(fd, chunk));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
    return Buffer.alloc(0);
  }
}
