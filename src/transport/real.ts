/** The clock and randomness of the machine. */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

export const realClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, Math.min(ms, 2 ** 31 - 1));
    return { cancel: () => clearTimeout(timer) };
  },
};

export const realRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
