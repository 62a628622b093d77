import type { CancelSignal } from './cancellation.ts';
import type { Clock } from './clock.ts';

/** Tells waiters that something changed; what it is they look up themselves. */
export class Changes {
  #waiting = new Set<() => void>();
  #count = 0;

  /** Of calls to `notify`; noted before a look, it tells `next` what was looked at. */
  get count(): number {
    return this.#count;
  }

  notify(): void {
    this.#count++;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Resolves at the next `notify` after `since`, or when `signal` aborts. Never rejects. */
  next(signal: CancelSignal, since = this.#count): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || since !== this.#count) return resolve();
      const wake = () => {
        this.forget(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.tell(wake);
      signal.addEventListener('abort', wake);
    });
  }

  /** Has `act` called at the next `notify`, unless it is forgotten before. */
  tell(act: () => void): void {
    this.#waiting.add(act);
  }

  forget(act: () => void): void {
    this.#waiting.delete(act);
  }
}

/** Several as one: what thousands may wait for, with one promise and one function each. */
export class AnyOf {
  readonly #sources: readonly Changes[];

  constructor(sources: readonly Changes[]) {
    this.#sources = sources;
  }

  /** Of calls to `notify`, of all of them; noted before a look, it tells `next` what was looked at. */
  get count(): number {
    let count = 0;
    for (const changes of this.#sources) count += changes.count;
    return count;
  }

  /** Resolves when one has changed after `since`, after `ms`, or when `signal` aborts. Never rejects. */
  next(since: number, clock: Clock, ms: number, signal: CancelSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || since !== this.count) return resolve();
      const wake = () => {
        timer.cancel();
        signal.removeEventListener('abort', wake);
        for (const changes of this.#sources) changes.forget(wake);
        resolve();
      };
      const timer = clock.after(ms, wake);
      signal.addEventListener('abort', wake);
      for (const changes of this.#sources) changes.tell(wake);
    });
  }
}
