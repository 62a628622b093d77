/**
 * Time, passed in, so that the same code runs on real and on virtual time. There are two: the date, which people and
 * other machines understand and which may be set, and the monotonic time, which only tells how much has passed. What is
 * measured or waited for goes by the latter.
 */
import { Cancellation, type CancelSignal } from './cancellation.ts';

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /**
   * The date as the machine has it at this moment, ms since the epoch. It leaps, forwards or backwards, when the clock
   * is set and after the machine was suspended: good for what is logged, told or agreed with others, for nothing else.
   */
  now(): number;
  /** ms since some moment that is the same for the whole process. It never goes back, and nobody sets it. */
  monotonic(): number;
  /** Calls `act` once, at the earliest when `ms` have passed by the monotonic time. */
  after(ms: number, act: () => void): Timer;
}

/** From one monotonic time to another, ms to the microsecond, as the decision log has it. */
export function msBetween(from: number, to: number): number {
  return Math.round((to - from) * 1_000) / 1_000;
}

/** Resolves after `ms`, or as soon as `signal` aborts. Never rejects. */
export function pause(clock: Clock, ms: number, signal?: CancelSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal?.addEventListener('abort', done);
  });
}

/** A signal that aborts after `ms` or with `parent`; `clear()` it when the work is done. */
export function deadline(
  clock: Clock,
  ms: number,
  parent?: CancelSignal,
): { signal: CancelSignal; clear(): void } {
  const signal = new Cancellation();
  const abort = () => signal.abort();
  const timer = clock.after(ms, abort);
  if (parent?.aborted) abort();
  parent?.addEventListener('abort', abort);
  return {
    signal,
    clear() {
      timer.cancel();
      parent?.removeEventListener('abort', abort);
    },
  };
}
