/** The machine's own time. */
import type { Clock, Timer } from '../ports/clock.ts';

/** The longest delay that `setTimeout` takes, ms (24.8 days); it fires at once for anything longer. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const now = () => performance.timeOrigin + performance.now();

/**
 * A timer that keeps the promise of `Clock.after`, which the platform's does not: that fires at once if the delay is
 * too long for it, and up to a millisecond early otherwise, since it counts whole ones.
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
    const timeout = ms > 0 ? Math.ceil(ms) + 1 : 0;
    if (timeout <= LONGEST_TIMEOUT) return setTimeout(this.#act, timeout);
    return setTimeout(() => {
      this.#timeout = this.#wait(this.#due - now());
    }, LONGEST_TIMEOUT);
  }
}

/** Real time. It follows the monotonic clock, so an adjustment of the system's date does not turn it back. */
export const realClock: Clock = {
  now,
  after: (ms, act) => new RealTimer(ms, act),
};
