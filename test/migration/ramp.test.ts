/** Clients that waited for the upgrade are let in at a growing rate, and all of them are. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ramp } from '../../src/migration/ramp.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';

const NEVER = new AbortController().signal;

/** ms after the end of the upgrade at which each of `clients` got in. */
async function entrances(start: number, clients: number): Promise<number[]> {
  const clock = new VirtualClock();
  const ramp = new Ramp(clock, start);
  const began = clock.now();
  ramp.begin(0);
  const entered: number[] = [];
  const all = Array.from({ length: clients }, () =>
    ramp.pass(NEVER).then(() => entered.push(clock.now() - began)),
  );
  await clock.until(Promise.all(all));
  return entered;
}

describe('after the upgrade', () => {
  test('a hundred in the first second, twice as many in each that follows', async () => {
    const entered = await entrances(100, 1_500);
    const inSecond = (second: number) => entered.filter((at) => Math.floor(at / 1_000) === second).length;
    expect([0, 1, 2, 3].map(inSecond)).toEqual([100, 200, 400, 800]);
    expect(entered).toHaveLength(1_500);
  });

  test('never more than the ramp allows, first come first served, and everybody gets in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 800 }),
        async (start, clients) => {
          const entered = await entrances(start, clients);
          expect(entered).toHaveLength(clients);
          expect(entered).toEqual(entered.toSorted((a, b) => a - b));
          for (const [at, ms] of entered.entries()) {
            const allowed = start * (2 ** (ms / 1_000) - 1);
            expect(at).toBeLessThanOrEqual(allowed + 0.001);
          }
          expect(entered.at(-1)).toBeLessThanOrEqual(1_000 * Math.log2(1 + clients / start));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('the first gets in at once; whoever comes when its turn is past does not wait', async () => {
    const clock = new VirtualClock();
    const ramp = new Ramp(clock, 10);
    ramp.begin(0);
    await ramp.pass(NEVER);
    await clock.run(60_000);
    await ramp.pass(NEVER);
    expect(clock.pending).toBe(0);
  });
});

test('where no upgrade ended, nobody waits', async () => {
  const clock = new VirtualClock();
  const ramp = new Ramp(clock, 1);
  for (let client = 0; client < 1_000; client++) await ramp.pass(NEVER);
  expect(clock.pending).toBe(0);
});

test('a client that gives up is let go at once, and leaves no timer behind', async () => {
  const clock = new VirtualClock();
  const ramp = new Ramp(clock, 1);
  ramp.begin(0);
  await ramp.pass(NEVER);
  const gone = new AbortController();
  const turn = ramp.pass(gone.signal);
  expect(clock.pending).toBe(1);
  gone.abort();
  await turn;
  expect(clock.pending).toBe(0);
});

test('with each upgrade the ramp begins anew', async () => {
  const clock = new VirtualClock();
  const ramp = new Ramp(clock, 1);
  ramp.begin(0);
  await clock.until(Promise.all(Array.from({ length: 50 }, () => ramp.pass(NEVER))));
  ramp.begin(0);
  const from = clock.now();
  await ramp.pass(NEVER);
  await clock.until(ramp.pass(NEVER));
  expect(clock.now() - from).toBe(1_000);
});

test('it concerns those who need more than the tables had before it, for as long as it lasts', async () => {
  const clock = new VirtualClock();
  const ramp = new Ramp(clock, 1);
  expect(ramp.concerns(99)).toBe(false);
  ramp.begin(27);
  expect([27, 28].map((level) => ramp.concerns(level))).toEqual([false, true]);
  // The next step of the same upgrade.
  ramp.begin(28);
  expect(ramp.concerns(28)).toBe(true);
  await clock.run(60_000);
  expect(ramp.concerns(99)).toBe(false);
  ramp.begin(28);
  expect(ramp.concerns(28)).toBe(false);
});
