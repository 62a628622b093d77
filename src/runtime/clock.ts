/** The machine's own time. */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../ports/clock.ts';

/** Real time. It follows the monotonic clock, so an adjustment of the system's date does not turn it back. */
export const realClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, Math.min(ms, 2 ** 31 - 1));
    return { cancel: () => clearTimeout(timer) };
  },
};
