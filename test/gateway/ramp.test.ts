/** Clients that were held are let in at a growing rate and in fair turns, and all of them are within a known time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Comer, FASTEST, Ramp } from '../../src/gateway/ramp.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { parseVersion } from '../../src/version/version.ts';
import { seeded } from '../support/random.ts';

const NEVER = new AbortController().signal;

const comer = (version = '4.14.0', host = '10.0.0.1'): Comer => ({
  version: parseVersion(version),
  peer: `${host}:5000`,
});

/** A ramp after whose upgrade 4.14 needs more than before. Its clock is at 1 s, so that somebody can be held since 0. */
async function setUp(start: number) {
  const clock = new VirtualClock();
  const ramp = new Ramp({ clock, random: seeded(1), start, levelOf: ({ minor }) => minor });
  await clock.run(1_000);
  const entered: { at: number; who: Comer }[] = [];
  const began = clock.monotonic();
  /** Comes, and is noted once it is in. */
  const come = async (who: Comer = comer(), heldSince: number | null = 0) => {
    await ramp.turn(who, heldSince, NEVER);
    ramp.noteAdmitted();
    entered.push({ at: clock.monotonic() - began, who });
  };
  const comeAll = (all: readonly Comer[], heldSince: number | null = 0) =>
    clock.until(Promise.all(all.map((who) => come(who, heldSince))));
  return { clock, ramp, entered, come, comeAll };
}

/** ms after the end of what held them at which each of `clients` got in. */
async function entrances(start: number, clients: number): Promise<number[]> {
  const { ramp, entered, comeAll } = await setUp(start);
  ramp.begin(0);
  await comeAll(Array.from({ length: clients }, () => comer()));
  return entered.map(({ at }) => at);
}

describe('those who were held', () => {
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

  test.each([
    [100, 10_000],
    [1, 3_000],
    [5_000, 10_000],
  ])('with %i in the first second, %i are in within the time that is stated', async (start, clients) => {
    const entered = await entrances(start, clients);
    expect(entered).toHaveLength(clients);
    expect(entered.at(-1)).toBeLessThanOrEqual(1_000 * (Math.log2(1 + clients / start) + clients / FASTEST));
    // Sessions under way get their share of each millisecond.
    const inMs = Map.groupBy(entered, (at) => Math.floor(at));
    expect(Math.max(...Array.from(inMs.values(), ({ length }) => length))).toBeLessThanOrEqual(8);
  });

  test('release lines take turns, and in each the hosts: a crowd does not keep others out', async () => {
    const { ramp, entered, comeAll } = await setUp(10);
    ramp.begin(0);
    const crowd = Array.from({ length: 500 }, () => comer('4.14.0', '10.0.0.1'));
    const alone = [comer('4.14.0', '10.0.0.2'), comer('4.13.0', '10.0.0.1'), comer('4.13.2', '[::1]')];
    await comeAll([...crowd, ...alone]);
    for (const who of alone) expect(entered.findIndex((each) => each.who === who)).toBeLessThan(8);
    expect(entered).toHaveLength(503);
  });

  test('the first gets in at once; whoever comes when its turn is past does not wait', async () => {
    const { clock, ramp } = await setUp(10);
    ramp.begin(0);
    expect(ramp.turn(comer(), 0, NEVER)).toBeNull();
    await clock.run(60_000);
    expect(ramp.turn(comer(), 0, NEVER)).toBeNull();
    expect(clock.pending).toBe(0);
  });

  test('one that gives up is let go at once, and leaves no timer behind', async () => {
    const { clock, ramp } = await setUp(1);
    ramp.begin(0);
    expect(ramp.turn(comer(), 0, NEVER)).toBeNull();
    const gone = new AbortController();
    const turn = ramp.turn(comer(), 0, gone.signal);
    expect(clock.pending).toBe(1);
    gone.abort();
    await turn;
    expect(clock.pending).toBe(0);
  });
});

describe('where nobody said that something is over, the first who goes on begins it', () => {
  test('newcomers take turns too where the gate was closed, and nobody was admitted meanwhile', async () => {
    const { clock, entered, come, comeAll } = await setUp(10);
    await comeAll(Array.from({ length: 30 }, () => comer()));
    expect(entered.at(-1)?.at).toBeCloseTo(1_000 * Math.log2(1 + 29 / 10));
    const from = entered.length;
    await comeAll(
      Array.from({ length: 100 }, () => comer()),
      null,
    );
    expect(entered.slice(from).filter(({ at }) => at < 3_000).length).toBeLessThanOrEqual(40);
    // Once it is over nobody waits any more.
    await clock.run(60_000);
    await Promise.all(Array.from({ length: 100 }, () => come(comer(), null)));
    expect(clock.pending).toBe(0);
  });

  test('newcomers are not held up where others were admitted all the time', async () => {
    const { clock, ramp, entered, come } = await setUp(1);
    ramp.noteAdmitted();
    const held = Array.from({ length: 10 }, () => come(comer(), 500));
    for (let newcomer = 0; newcomer < 100; newcomer++) expect(ramp.turn(comer(), null, NEVER)).toBeNull();
    expect(entered).toEqual([]);
    await clock.until(Promise.all(held));
    expect(entered.at(-1)?.at).toBeCloseTo(1_000 * Math.log2(1 + 9));
  });

  test('what is over a second time begins anew, but not while somebody still waits for a turn', async () => {
    const { clock, entered, come, comeAll } = await setUp(1);
    const first = Array.from({ length: 20 }, () => come());
    await clock.run(2_000);
    const again = come(comer(), clock.monotonic());
    await clock.until(Promise.all([...first, again]));
    expect(entered.at(-1)?.at).toBeCloseTo(1_000 * Math.log2(21));
    await clock.run(1_000);
    const since = clock.monotonic();
    await clock.run(1_000);
    const from = entered.length;
    await comeAll([comer(), comer(), comer()], since);
    const times = entered.slice(from).map(({ at }) => at);
    expect((times[2] as number) - (times[0] as number)).toBeCloseTo(1_000 * Math.log2(3));
  });
});

test('where nothing was over, nobody waits', async () => {
  const { clock, ramp } = await setUp(1);
  for (let client = 0; client < 1_000; client++) expect(ramp.turn(comer(), null, NEVER)).toBeNull();
  expect(clock.pending).toBe(0);
});

test('with each upgrade the ramp begins anew', async () => {
  const { clock, ramp, entered, comeAll } = await setUp(1);
  ramp.begin(0);
  await comeAll(Array.from({ length: 50 }, () => comer()));
  ramp.begin(0);
  const from = clock.monotonic();
  await comeAll([comer(), comer()]);
  expect(clock.monotonic() - from).toBe(1_000);
  expect(entered).toHaveLength(52);
});

test('after an upgrade it concerns those who need more than the tables had before it, for as long as it lasts', async () => {
  const { clock, ramp } = await setUp(1);
  const newcomers = () =>
    ['4.13.0', '4.14.0', '4.15.0'].map((version) => ramp.turn(comer(version), null, NEVER) !== null);
  ramp.begin(14);
  expect(ramp.turn(comer(), 0, NEVER)).toBeNull();
  expect(newcomers()).toEqual([false, false, true]);
  // An earlier step of the same upgrade.
  ramp.begin(13);
  expect(ramp.turn(comer(), 0, NEVER)).not.toBeNull();
  expect(newcomers()).toEqual([false, true, true]);
  await clock.run(60_000);
  expect(newcomers()).toEqual([false, false, false]);
  ramp.begin(14);
  expect(newcomers()).toEqual([false, false, false]);
});

test('who finds no room is asked to come once those who wait are in, and not all at one moment', async () => {
  const { ramp } = await setUp(10);
  let ahead = 0;
  const ask = () => Array.from({ length: 100 }, () => ramp.comeAgain(ahead));
  const [soonest, latest] = [Math.min, Math.max].map((of) => () => of(...ask())) as [
    () => number,
    () => number,
  ];
  expect(soonest()).toBeGreaterThanOrEqual(1_000);
  expect(latest()).toBeLessThanOrEqual(2_000);
  ramp.begin(0);
  for (let at = 0; at < 1_000; at++) void ramp.turn(comer(), 0, NEVER);
  const queue = 1_000 * Math.log2(101);
  expect(soonest()).toBeGreaterThanOrEqual(queue - 1);
  expect(latest()).toBeLessThanOrEqual(2 * queue + 1);
  expect(latest() - soonest()).toBeGreaterThan(queue / 2);
  ahead = 3_000;
  expect(soonest()).toBeGreaterThanOrEqual(1_000 * Math.log2(301) - 1);
});
