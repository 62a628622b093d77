/** Time as a ledger's store tells it, by which blocks and pauses end for all gates, whatever their own clocks say. */
import type { Clock } from '../../ports/clock.ts';

/** Clocks that differ by less are taken for equal, and a difference for the same as before; ms. */
export const CLOCK_TOLERANCE = 5_000;
/** Answers that took longer are not compared: nobody knows when on its way the store looked at its clock. ms */
const QUICK_ANSWER = 1_000;

/** A gate's clock, set right by what its store said last; that the gate's is set in between makes no difference. */
export class StoreClock {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  #ahead = 0;
  /** The date at the monotonic time 0, as it was when the clocks were compared; null: they never were. */
  #epoch: number | null = null;

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock;
  }

  /** ms since the epoch */
  now(): number {
    return this.#clock.now() - this.ahead;
  }

  /** ms that the gate's clock is ahead of the store's, or behind it if negative; 0 for what may be chance. */
  get ahead(): number {
    const step = this.#epoch === null ? 0 : Math.round(this.#currentEpoch - this.#epoch);
    return Math.abs(step) > CLOCK_TOLERANCE ? this.#ahead + step : this.#ahead;
  }

  get #currentEpoch(): number {
    return this.#clock.now() - this.#clock.monotonic();
  }

  /** @param askedAt monotonic. @param time what the store said; undefined: it has no clock of its own. */
  compare(askedAt: number, time: number | undefined): void {
    if (time === undefined || this.#clock.monotonic() - askedAt > QUICK_ANSWER) return;
    this.#epoch = this.#currentEpoch;
    const ahead = Math.round(this.#clock.now() - time);
    if (Math.abs(ahead - this.#ahead) <= CLOCK_TOLERANCE) return;
    this.#ahead = Math.abs(ahead) > CLOCK_TOLERANCE ? ahead : 0;
  }
}
