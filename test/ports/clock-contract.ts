/** What every clock has to do. Each supplies `setup`; all of it runs for each. */
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/ports/clock.ts';

export interface ClockSetup {
  readonly clock: Clock;
  /** Lets time pass; what falls due in it fires. */
  advance(ms: number): Promise<void>;
  /** Sets the date: forwards by `ms`, or backwards if negative. */
  step(ms: number): void;
}

const DAY = 86_400_000;

/** @param setup called by each test, which may let a year pass. */
export function describeClock(name: string, setup: () => ClockSetup): void {
  describe(`${name}: the clock contract`, () => {
    test.each([0, 1, 20, 0.5, 1_000.25, 24 * DAY, 30 * DAY, 100 * DAY])(
      'a timer of %d ms fires once, and not before its time',
      async (ms) => {
        const { clock, advance } = setup();
        const from = clock.monotonic();
        const firedAfter: number[] = [];
        clock.after(ms, () => firedAfter.push(clock.monotonic() - from));
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

    test('monotonic time never goes back, and both times go on by what passes', async () => {
      const { clock, advance } = setup();
      const date = clock.now();
      let last = clock.monotonic();
      const from = last;
      for (let round = 0; round < 100; round++) {
        await advance(round);
        expect(clock.monotonic()).toBeGreaterThanOrEqual(last);
        last = clock.monotonic();
      }
      expect(last - from).toBeGreaterThanOrEqual(4_950 - 0.001);
      // A date may be of whole milliseconds.
      expect(Math.abs(clock.now() - date - (last - from))).toBeLessThan(1.1);
    });

    test.each([
      ['forwards', 2 * 3_600_000],
      ['backwards', -2 * 3_600_000],
    ])('set %s, the date follows at once; no timer fires early or late for it', async (_, ms) => {
      const { clock, advance, step } = setup();
      let fired = 0;
      clock.after(1_000, () => fired++);
      clock.after(30 * DAY, () => fired++);
      await advance(500);
      const [date, since] = [clock.now(), clock.monotonic()];
      step(ms);
      expect(Math.abs(clock.now() - date - ms)).toBeLessThan(1.1);
      expect(clock.monotonic() - since).toBeLessThan(1.1);
      await advance(498);
      expect(fired).toBe(0);
      await advance(5);
      expect(fired).toBe(1);
      await advance(30 * DAY - 10_000);
      expect(fired).toBe(1);
      await advance(10_000);
      expect(fired).toBe(2);
    });
  });
}
