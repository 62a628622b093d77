/**
 * How long a server that is never asked counts as down once it could not be dialled. After that the next client tries
 * it, and the time doubles with each dial that fails.
 */
import type { Clock, Timer } from '../ports/clock.ts';

/** ms */
const FIRST = 1_000;
const LONGEST = 30_000;

/** The back-off from one server. */
export class Retreat {
  readonly #clock: Clock;
  readonly #over: () => void;
  #failures = 0;
  /** When the last dial began that succeeded, monotonic. */
  #reachedAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;

  /** @param over called when it may be tried again */
  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** Whether it is left alone now. */
  get isOn(): boolean {
    return this.#timer !== null;
  }

  /** It could not be dialled. Dials that fail together count once. False: one that began later succeeded. */
  failed(askedAt: number): boolean {
    if (askedAt < this.#reachedAt) return false;
    if (this.#timer !== null) return true;
    const wait = Math.min(LONGEST, FIRST * 2 ** this.#failures++);
    this.#timer = this.#clock.after(wait, () => {
      this.#timer = null;
      this.#over();
    });
    return true;
  }

  /** It was dialled. */
  reached(askedAt: number): true {
    this.#reachedAt = Math.max(this.#reachedAt, askedAt);
    this.#failures = 0;
    this.end();
    return true;
  }

  /** It may be tried again at once. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
