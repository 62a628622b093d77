/** A disk that is full, or full for a while: the writer goes on, and what is missing is known. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mountSmallDisk, NO_MOUNT } from './small-disk.ts';
import { expectNoneMissing, linesOf, lostIn, numbersOf, range, record, setUp } from './support.ts';

for (const durable of [false, true]) {
  describe(durable ? 'durable' : 'buffered', () => {
    test('a disk that stays full: told once, tried again every second, the writer goes on, the loss is told', async () => {
      const { log, clock, troubles, failing } = setUp('/dev/full', { durable, buffer: 2_000 });
      for (const number of range(0, 50)) log.write(record(number));
      await failing(1);
      expect(troubles).toEqual([expect.stringMatching(/ENOSPC/)]);
      for (const round of range(1, 5)) {
        // One timer, however many records came meanwhile.
        expect(clock.pending).toBe(1);
        await clock.run(1_000);
        log.write(record(round));
        await settled(() => clock.pending === 1);
      }
      expect(troubles).toHaveLength(1);
      expect(log.lost).toBeGreaterThan(0);
      await log.close();
      expect(log.lostInAll).toBe(55);
      expect(troubles.slice(1)).toEqual(['closed with 55 records unwritten, which are lost']);
      expect(clock.pending).toBe(0);
    });

    describe.skipIf(NO_MOUNT !== null)('on a small disk', () => {
      test('full for a while, with room in memory: every record is in the file, whole and once', async () => {
        const disk = mountSmallDisk(512);
        disk.fill(20_000);
        const { log, clock, troubles, failing } = setUp(disk.file, { durable });
        for (const number of range(0, 500)) log.write(record(number));
        await failing(1);
        await settled(() => clock.pending === 1);
        expect(troubles).toEqual([expect.stringMatching(/ENOSPC/)]);
        expect(numbersOf(wholeLinesOf(disk.file)).length).toBeLessThan(500);
        disk.free();
        await clock.run(1_000);
        await failing(2);
        expect(troubles[1]).toBeNull();
        await log.close();
        expect(numbersOf(linesOf(disk.file))).toEqual(range(0, 500));
        expect(lostIn(linesOf(disk.file))).toBe(0);
        expect(troubles).toHaveLength(2);
      });

      test('full for longer than memory lasts: a log-lost record stands where records are missing', async () => {
        const disk = mountSmallDisk(512);
        const { log, clock, failing } = setUp(disk.file, { durable, buffer: 5_000 });
        log.write(record(0));
        await settled(() => readFileSync(disk.file).length > 0);
        disk.fill(0);
        // Fills the page that the file has, and the memory.
        for (const number of range(1, 100)) log.write(record(number));
        await failing(1);
        await clock.run(5_000);
        await settled(() => clock.pending === 1);
        for (const number of range(101, 50)) log.write(record(number));
        disk.free();
        await clock.run(1_000);
        await failing(2);
        log.write(record(151));
        await log.close();
        const lines = linesOf(disk.file);
        expectNoneMissing(lines, 152);
        expect(lostIn(lines)).toBeGreaterThan(80);
        expect(log.lostInAll).toBe(lostIn(lines));
        const at = lines.findLastIndex(({ event }) => event === 'log-lost');
        expect(lines[at]).toMatchObject({
          time: expect.stringMatching(/^2026-01-01T00:00:0[56]/),
          since: expect.stringMatching(/^2026-01-01T00:00:0[0-5]/),
        });
        expect(numbersOf(lines.slice(at))).toEqual([151]);
      });

      test('property: whatever the order of records, full disk and time, each is written once or counted', async () => {
        const disk = mountSmallDisk(512);
        const step = fc.oneof(
          { weight: 4, arbitrary: fc.record({ write: fc.integer({ min: 1, max: 40 }) }) },
          fc.record({ fill: fc.integer({ min: 0, max: 6_000 }) }),
          fc.constant('free' as const),
          fc.record({ pass: fc.constantFrom(1, 500, 1_000, 3_000) }),
        );
        let run = 0;
        await fc.assert(
          fc
            .asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
              const file = `${disk.file}-${run++}`;
              const { log, clock } = setUp(file, { durable, buffer: 3_000, rotate: 4_000, keep: 1_000 });
              let total = 0;
              for (const step of steps) {
                if (step === 'free') disk.free();
                else if ('write' in step) for (let n = 0; n < step.write; n++) log.write(record(total++));
                else if ('fill' in step) disk.fill(step.fill);
                else await clock.run(step.pass);
              }
              disk.free();
              await log.close();
              expectNoneMissing(linesOf(file), total);
            })
            .afterEach(() => disk.clear()),
          { numRuns: 40 },
        );
      });
    });
  });
}

/** Lets the disk's answers come in until `condition` holds. */
async function settled(condition: () => boolean): Promise<void> {
  const limit = AbortSignal.timeout(5_000);
  while (!condition()) {
    limit.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The last line may be torn while the disk is full. */
function wholeLinesOf(file: string) {
  const text = readFileSync(file, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
