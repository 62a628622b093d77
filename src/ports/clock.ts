/** Time, passed in, so that the same code runs on real and on virtual time. */
import { Cancellation, type CancelSignal } from './cancellation.ts';

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** ms since the epoch; never goes back within a process. */
  now(): number;
  /** Calls `act` once, `ms` from now at the earliest. */
  after(ms: number, act: () => void): Timer;
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
