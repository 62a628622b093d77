/**
 * After an upgrade, lets held clients in at a rate that doubles every second, not all at once. The n-th to ask
 * gets the moment at which a rate of `start * 2^t` a second has let n through.
 */
import { type Clock, pause } from '../ports/clock.ts';

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
    const at = this.#since + 1_000 * Math.log2(1 + (this.#asked++ * Math.LN2) / this.#start);
    const wait = at - this.#clock.now();
    return wait > 0 ? pause(this.#clock, wait, signal) : Promise.resolve();
  }
}
