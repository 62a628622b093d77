/**
 * Virtual time: timers fire in order of their time, then of their creation, when `run` says so. Between two
 * timers all pending promise jobs are worked off, so code that awaits runs as it would on real time.
 */
import type { Clock, Timer } from '../ports/clock.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  #entries: Entry[] = [];

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#entries.length;
  }

  after(ms: number, act: () => void): Timer {
    const entry = { at: this.#now + Math.max(0, ms), order: this.#order++, act };
    const index = this.#entries.findLastIndex((other) => other.at <= entry.at) + 1;
    this.#entries.splice(index, 0, entry);
    return {
      cancel: () => {
        const at = this.#entries.indexOf(entry);
        if (at >= 0) this.#entries.splice(at, 1);
      },
    };
  }

  /** Lets `ms` pass. */
  async run(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let next = this.#entries[0]; next !== undefined && next.at <= until; next = this.#entries[0]) {
      this.#entries.shift();
      this.#now = Math.max(this.#now, next.at);
      next.act();
      await settle();
    }
    this.#now = until;
  }

  /** Lets time pass until `promise` is settled; at most `limit` ms. @throws if it takes longer. */
  async until<T>(promise: Promise<T>, limit = 3_600_000): Promise<T> {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => {});
    const end = this.#now + limit;
    await settle();
    while (!settled) {
      const next = this.#entries[0];
      if (next === undefined || next.at > end)
        throw new Error('nothing more happens, and the promise is pending');
      this.#entries.shift();
      this.#now = Math.max(this.#now, next.at);
      next.act();
      await settle();
    }
    return done;
  }
}

/** Works off promise jobs: a macrotask runs only when the queue of microtasks is empty. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
