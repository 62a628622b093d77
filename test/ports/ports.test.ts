import { describe, expect, test } from 'vitest';
import { Changes } from '../../src/ports/changes.ts';
import { deadline, pause } from '../../src/ports/clock.ts';
import { randomId } from '../../src/ports/random.ts';
import { realClock } from '../../src/runtime/clock.ts';
import { realRandom } from '../../src/runtime/random.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { seeded } from '../support/random.ts';

describe('pause', () => {
  test('ends after its time', async () => {
    const clock = new VirtualClock(0);
    let over = false;
    const waiting = pause(clock, 100).then(() => {
      over = true;
    });
    await clock.run(99);
    expect(over).toBe(false);
    await clock.run(1);
    await waiting;
    expect(over).toBe(true);
  });

  test('ends early, without an error and without leaving a timer, when its signal aborts', async () => {
    const clock = new VirtualClock(0);
    const abort = new AbortController();
    const waiting = pause(clock, 100, abort.signal);
    abort.abort();
    await waiting;
    expect(clock.pending).toBe(0);
    await pause(clock, 100, abort.signal);
    expect(clock.pending).toBe(0);
  });
});

describe('deadline', () => {
  test('aborts with its parent, also one that is aborted already', () => {
    const clock = new VirtualClock(0);
    const parent = new AbortController();
    const limit = deadline(clock, 100, parent.signal);
    expect(limit.signal.aborted).toBe(false);
    parent.abort();
    expect(limit.signal.aborted).toBe(true);
    expect(deadline(clock, 100, parent.signal).signal.aborted).toBe(true);
  });

  test('cleared, neither time nor parent aborts it, and no timer is left', async () => {
    const clock = new VirtualClock(0);
    const parent = new AbortController();
    const limit = deadline(clock, 100, parent.signal);
    limit.clear();
    expect(clock.pending).toBe(0);
    await clock.run(200);
    parent.abort();
    expect(limit.signal.aborted).toBe(false);
  });
});

describe('changes', () => {
  test('wakes everyone who waits, once', async () => {
    const changes = new Changes();
    const never = new AbortController().signal;
    const woken: string[] = [];
    const wait = (name: string) => changes.next(never).then(() => woken.push(name));
    const waiting = Promise.all([wait('a'), wait('b')]);
    changes.notify();
    await waiting;
    expect(woken).toEqual(['a', 'b']);
    const later = wait('c');
    await Promise.resolve();
    expect(woken).toEqual(['a', 'b']);
    changes.notify();
    await later;
    expect(woken).toEqual(['a', 'b', 'c']);
  });

  test('a notification before the wait is not remembered', async () => {
    const changes = new Changes();
    changes.notify();
    let woken = false;
    const waiting = changes.next(new AbortController().signal).then(() => {
      woken = true;
    });
    await Promise.resolve();
    expect(woken).toBe(false);
    changes.notify();
    await waiting;
  });

  test('one between a look and the wait is remembered', async () => {
    const changes = new Changes();
    const seen = changes.count;
    changes.notify();
    const never = new AbortController().signal;
    await changes.next(never, seen);
    let woken = false;
    const waiting = changes.next(never, changes.count).then(() => {
      woken = true;
    });
    await Promise.resolve();
    expect(woken).toBe(false);
    changes.notify();
    await waiting;
  });

  test('an aborted wait ends without an error', async () => {
    const changes = new Changes();
    const abort = new AbortController();
    const waiting = changes.next(abort.signal);
    abort.abort();
    await waiting;
    await changes.next(abort.signal);
  });
});

describe('the clock and randomness of the machine', () => {
  test('tells the time, never goes back, and fires no earlier than asked', async () => {
    expect(Math.abs(realClock.now() - Date.now())).toBeLessThan(60_000);
    let last = realClock.monotonic();
    for (let round = 0; round < 1_000; round++) {
      const now = realClock.monotonic();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    const from = performance.now();
    await pause(realClock, 20);
    expect(performance.now() - from).toBeGreaterThanOrEqual(20);
  });

  test('ids are of 5 bits a character and differ; seeded ones repeat', () => {
    const ids = new Set(Array.from({ length: 2_000 }, () => randomId(realRandom)));
    expect(ids.size).toBe(2_000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{12}$/);
    expect(randomId(realRandom, 16)).toHaveLength(16);
    expect(randomId(seeded(5))).toBe(randomId(seeded(5)));
  });
});
