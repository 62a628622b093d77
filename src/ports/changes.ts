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

/** Of those who wait for several changes, as many are woken in one turn of the event loop: all of them may be thousands. */
const WOKEN_AT_ONCE = 64;

/** Several as one: what thousands may wait for, with one promise and one function each. */
export class AnyOf {
  readonly #sources: readonly Changes[];
  readonly #clock: Clock;
  #waiting = new Set<() => void>();

  constructor(sources: readonly Changes[], clock: Clock) {
    this.#sources = sources;
    this.#clock = clock;
    for (const source of sources) {
      const told = () => {
        source.tell(told);
        this.#changed();
      };
      source.tell(told);
    }
  }

  /** Of calls to `notify`, of all of them; noted before a look, it tells `next` what was looked at. */
  get count(): number {
    let count = 0;
    for (const changes of this.#sources) count += changes.count;
    return count;
  }

  /** Resolves soon after one has changed after `since`, after `ms`, or when `signal` aborts. Never rejects. */
  next(since: number, ms: number, signal: CancelSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || since !== this.count) return resolve();
      const wake = () => {
        timer.cancel();
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#clock.after(ms, wake);
      signal.addEventListener('abort', wake);
      this.#waiting.add(wake);
    });
  }

  #changed(): void {
    if (this.#waiting.size === 0) return;
    const woken = this.#waiting;
    this.#waiting = new Set();
    this.#wake([...woken]);
  }

  #wake(all: ReadonlyArray<() => void>, from = 0): void {
    const to = from + WOKEN_AT_ONCE;
    for (const wake of all.slice(from, to)) wake();
    if (to < all.length) this.#clock.after(0, () => this.#wake(all, to));
  }
}
