/** What every clock has to do. Each supplies `setup`; all of it runs for each. */
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/ports/clock.ts';

export interface ClockSetup {
  readonly clock: Clock;
  /** Lets time pass; what falls due in it fires. */
  advance(ms: number): Promise<void>;
}

const DAY = 86_400_000;

/** @param setup called by each test, which may let a year pass. */
export function describeClock(name: string, setup: () => ClockSetup): void {
  describe(`${name}: the clock contract`, () => {
    test.each([0, 1, 20, 0.5, 1_000.25, 24 * DAY, 30 * DAY, 100 * DAY])(
      'a timer of %d ms fires once, and not before its time',
      async (ms) => {
        const { clock, advance } = setup();
        const from = clock.now();
        const firedAfter: number[] = [];
        clock.after(ms, () => firedAfter.push(clock.now() - from));
        expect(firedAfter).toEqual([]);
        await advance(Math.max(0, Math.floor(ms) - 1));
        if (ms > 1) expect(firedAfter).toEqual([]);
        await advance(DAY);
        expect(firedAfter).toHaveLength(1);
        // Sums of days and fractions of a millisecond are exact to about 1/4000 ms.
        expect(firedAfter[0]).toBeGreaterThanOrEqual(ms - 0.001);
        expect(firedAfter[0]).toBeLessThan(ms + 2.1);
      },
    );

    test('timers of nearly the same time fire in the order in which they were set', async () => {
      const { clock, advance } = setup();
      const fired: number[] = [];
      for (let at = 0; at < 500; at++) clock.after(2, () => fired.push(at));
      await advance(5);
      expect(fired).toEqual(Array.from({ length: 500 }, (_, at) => at));
    });

    test('timers fire in the order of their times', async () => {
      const { clock, advance } = setup();
      const fired: string[] = [];
      clock.after(30 * DAY, () => fired.push('month'));
      clock.after(20, () => fired.push('later'));
      clock.after(10, () => fired.push('soon'));
      await advance(31 * DAY);
      expect(fired).toEqual(['soon', 'later', 'month']);
    });

    test.each([0, 26 * DAY])('a timer that is cancelled after %d ms never fires', async (ms) => {
      const { clock, advance } = setup();
      let fired = 0;
      const timer = clock.after(30 * DAY, () => fired++);
      await advance(ms);
      timer.cancel();
      timer.cancel();
      await advance(60 * DAY);
      expect(fired).toBe(0);
    });

    test('cancelling a timer that fired is nothing, also from within', async () => {
      const { clock, advance } = setup();
      let fired = 0;
      const timer = clock.after(5, () => {
        fired++;
        timer.cancel();
      });
      await advance(10);
      timer.cancel();
      await advance(10);
      expect(fired).toBe(1);
    });

    test('time never goes back, and goes on by what passes', async () => {
      const { clock, advance } = setup();
      let last = clock.now();
      const from = last;
      for (let round = 0; round < 100; round++) {
        await advance(round);
        expect(clock.now()).toBeGreaterThanOrEqual(last);
        last = clock.now();
      }
      expect(last - from).toBeGreaterThanOrEqual(4_950 - 0.001);
    });
  });
}
