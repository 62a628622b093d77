/**
 * What the gate's work costs is what expected.json says, within a margin. A change that makes something dearer has to
 * say so there (`npm run counts` writes it), and one that makes it cheaper too, so that it stays cheap.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { tempFolder } from '../support/folder.ts';
import { type AllCounts, type Counts, countAllocations, countSystemCalls } from './count.ts';

/** Of the bytes: the standard library of another patch release of Node.js allocates a little more or less. */
const BYTES = 0.1;
/** Calls for each session that may come or go: how bytes are cut into reads, and whether a thread has to be woken. */
const CALLS = { read: 1.5, write: 1.5 };
const OTHER_CALLS = 0.1;

const expected: AllCounts = JSON.parse(readFileSync(new URL('./expected.json', import.meta.url), 'utf8'));

const hasStrace = spawnSync('strace', ['-V']).status === 0;
if (!hasStrace) console.log('strace is not installed: system calls are not counted');

test('no piece of work allocates more than it did, nor so much less that what is expected of it says nothing', async () => {
  const counted = await countAllocations();
  expect(Object.keys(counted)).toEqual(Object.keys(expected.allocations));
  for (const [work, bytes] of Object.entries(expected.allocations)) {
    expect(counted[work], work).toBeLessThan(bytes * (1 + BYTES));
    expect(counted[work], `${work}: lower what is expected (npm run counts)`).toBeGreaterThan(
      bytes * (1 - BYTES),
    );
  }
});

describe.skipIf(!hasStrace && process.env.CI === undefined)(
  'a session makes no more system calls than it did',
  () => {
    test.each(['tcp', 'ws'] as const)('over %s', async (scheme) => {
      const counted = await countSystemCalls(scheme, tempFolder());
      const known: Counts = expected.systemCalls[scheme];
      expect(Object.keys(counted).filter((call) => (counted[call] ?? 0) > OTHER_CALLS)).toEqual(
        Object.keys(known).filter((call) => (known[call] ?? 0) > OTHER_CALLS),
      );
      for (const [call, count] of Object.entries(known)) {
        const margin = (CALLS as Counts)[call] ?? OTHER_CALLS;
        expect(
          Math.abs((counted[call] ?? 0) - count),
          `${call}: ${counted[call]}, not ${count}`,
        ).toBeLessThanOrEqual(margin);
      }
    });
  },
);
