/**
 * After an upgrade, lets those in who need it, held before or not, at a rate that doubles every second, not all at once: by `t` seconds
 * `start * (2^t - 1)` were let in, so `start` in the first second. The n-th to ask gets the moment that is its own.
 */
import type { CancelSignal } from '../ports/cancellation.ts';
import { type Clock, pause } from '../ports/clock.ts';

/** After that time more were let in than any gate may hold, ms. */
const LASTS = 60_000;

/** Lets clients in at a rate that doubles every second, for a while after an upgrade. */
export class Ramp {
  readonly #clock: Clock;
  readonly #start: number;
  #since = Number.NEGATIVE_INFINITY;
  #asked = 0;
  /** Where the tables were before. */
  #from = Number.POSITIVE_INFINITY;

  /** @param start clients in the first second. */
  constructor(clock: Clock, start: number) {
    this.#clock = clock;
    this.#start = start;
  }

  /**
   * The upgrade is over: counting begins anew.
   * @param from the level that the tables were at before it; whoever needs more has to wait for a turn
   */
  begin(from: number): void {
    this.#from = this.#lasts ? Math.min(this.#from, from) : from;
    this.#since = this.#clock.monotonic();
    this.#asked = 0;
  }

  /** Whether a client that needs the tables at `level` has to wait for a turn, though nothing held it before. */
  concerns(level: number): boolean {
    return level > this.#from && this.#lasts;
  }

  get #lasts(): boolean {
    return this.#clock.monotonic() < this.#since + LASTS;
  }

  /** Resolves when it is this client's turn, or when `signal` aborts. */
  pass(signal: CancelSignal): Promise<void> {
    const at = this.#since + 1_000 * Math.log2(1 + this.#asked++ / this.#start);
    const wait = at - this.#clock.monotonic();
    return wait > 0 ? pause(this.#clock, wait, signal) : Promise.resolve();
  }
}
