/** Time as a ledger's store tells it, by which blocks and pauses end for all gates, whatever their own clocks say. */
import type { Clock } from '../../ports/clock.ts';

/** Clocks that differ by less are taken for equal, and a difference for the same as before; ms. */
const CLOCK_TOLERANCE = 5_000;
/** Answers that took longer are not compared: nobody knows when on its way the store looked at its clock. ms */
const QUICK_ANSWER = 1_000;

/** A gate's clock, set right by what its store said last. */
export class StoreClock {
  readonly #clock: Clock;
  #ahead = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** ms since the epoch */
  now(): number {
    return this.#clock.now() - this.#ahead;
  }

  /** ms that the gate's clock is ahead of the store's, or behind it if negative; 0 for what may be chance. */
  get ahead(): number {
    return this.#ahead;
  }

  /** @param askedAt by the gate's clock. @param time what the store said; undefined: it has no clock of its own. */
  compare(askedAt: number, time: number | undefined): void {
    const now = this.#clock.now();
    if (time === undefined || now - askedAt > QUICK_ANSWER) return;
    const ahead = Math.round(now - time);
    if (Math.abs(ahead - this.#ahead) <= CLOCK_TOLERANCE) return;
    this.#ahead = Math.abs(ahead) > CLOCK_TOLERANCE ? ahead : 0;
  }
}
