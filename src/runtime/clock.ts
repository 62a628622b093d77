/** The machine's own time. */
import type { Clock, Timer } from '../ports/clock.ts';

/** The longest delay that `setTimeout` takes, ms (24.8 days); it fires at once for anything longer. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const monotonic = () => performance.now();

/**
 * A timer that keeps the promise of `Clock.after`, which the platform's does not: that fires at once if the delay is
 * too long for it, and up to a millisecond early otherwise, since it counts whole ones.
 */
class RealTimer implements Timer {
  readonly #due: number;
  readonly #act: () => void;
  #timeout: NodeJS.Timeout;

  constructor(ms: number, act: () => void) {
    this.#due = monotonic() + ms;
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
      this.#timeout = this.#wait(this.#due - monotonic());
    }, LONGEST_TIMEOUT);
  }
}

/** Real time: the system's date, read anew each time, and the monotonic clock of the process. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic,
  after: (ms, act) => new RealTimer(ms, act),
};
