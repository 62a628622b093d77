/**
 * After an upgrade, lets held clients in at a rate that doubles every second, not all at once: by `t` seconds
 * `start * (2^t - 1)` were let in, so `start` in the first second. The n-th to ask gets the moment that is its own.
 */
import { type Clock, pause } from '../ports/clock.ts';

/** Lets clients in at a rate that doubles every second, for a while after an upgrade. */
export class Ramp {
  readonly #clock: Clock;
  readonly #start: number;
  #since = Number.NEGATIVE_INFINITY;
  #asked = 0;

  /** @param start clients in the first second. */
  constructor(clock: Clock, start: number) {
    this.#clock = clock;
    this.#start = start;
  }

  /** The upgrade is over: counting begins anew. */
  begin(): void {
    this.#since = this.#clock.now();
    this.#asked = 0;
  }

  /** Resolves when it is this client's turn, or when `signal` aborts. */
  pass(signal: AbortSignal): Promise<void> {
    const at = this.#since + 1_000 * Math.log2(1 + this.#asked++ / this.#start);
    const wait = at - this.#clock.now();
    return wait > 0 ? pause(this.#clock, wait, signal) : Promise.resolve();
  }
}
