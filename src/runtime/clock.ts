/** The machine's own time. */
import type { Clock, Timer } from '../ports/clock.ts';

/** The longest delay that `setTimeout` takes, ms (24.8 days); it fires at once for anything longer. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const now = () => performance.timeOrigin + performance.now();

/**
 * A timer that keeps the promise of `Clock.after`. The platform's fires at once for a delay that is too long for
 * it, and up to a millisecond early for others: it is set again until the time has come.
 */
class RealTimer implements Timer {
  readonly #due: number;
  readonly #act: () => void;
  #timeout: NodeJS.Timeout;

  constructor(ms: number, act: () => void) {
    this.#due = now() + ms;
    this.#act = act;
    this.#timeout = this.#wait(ms);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#fire(), Math.min(Math.ceil(ms), LONGEST_TIMEOUT));
  }

  #fire(): void {
    const left = this.#due - now();
    if (left > 0) this.#timeout = this.#wait(left);
    else this.#act();
  }
}

/** Real time. It follows the monotonic clock, so an adjustment of the system's date does not turn it back. */
export const realClock: Clock = {
  now,
  after: (ms, act) => new RealTimer(ms, act),
};
