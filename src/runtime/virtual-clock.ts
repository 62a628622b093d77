/**
 * Virtual time: timers fire in order of their time, then of their creation, when `run` says so. Before time
 * goes on, all pending promise jobs are worked off, so code that awaits runs as it would on real time.
 */
import type { Clock, Timer } from '../ports/clock.ts';

/** Time can't go on until a promise is settled. */
export class UnendingError extends Error {
  override readonly name = 'UnendingError';
}

/** Timers that were cancelled are cleared away once there are this many, and more of them than of others. */
const MANY_CANCELLED = 1_000;

/** A timer is its place in the queue, and nothing else: a fleet sets millions. */
class Entry implements Timer {
  readonly at: number;
  readonly order: number;
  /** Null once it fired or was cancelled. */
  act: (() => void) | null;
  readonly #onCancel: () => void;

  constructor(at: number, order: number, act: () => void, onCancel: () => void) {
    this.at = at;
    this.order = order;
    this.act = act;
    this.#onCancel = onCancel;
  }

  cancel(): void {
    if (this.act === null) return;
    this.act = null;
    this.#onCancel();
  }
}

/** A clock that stands still until `run` or `until` lets time pass. Its monotonic time begins at 0. */
export class VirtualClock implements Clock {
  /** Monotonic. */
  #now = 0;
  /** The date at the monotonic time 0. */
  #epoch: number;
  #order = 0;
  #live = 0;
  /** Timers that may still fire. */
  #left = Number.POSITIVE_INFINITY;
  /** A binary heap: the earliest first. */
  #heap: Entry[] = [];
  readonly #onCancel = () => {
    this.#live--;
    const cancelled = this.#heap.length - this.#live;
    if (cancelled > MANY_CANCELLED && cancelled > this.#live) this.#clear();
  };

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#epoch = start;
  }

  now(): number {
    return this.#epoch + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  /** The date is set: forwards by `ms`, or backwards if negative. No time passes. */
  step(ms: number): void {
    this.#epoch += ms;
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#live;
  }

  after(ms: number, act: () => void): Timer {
    const entry = new Entry(this.#now + Math.max(0, ms), this.#order++, act, this.#onCancel);
    this.#push(entry);
    this.#live++;
    return entry;
  }

  /** Lets `ms` pass. */
  async run(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    while (await this.#fire(until));
    this.#now = until;
  }

  /**
   * Lets time pass until `promise` is settled: at most `limit` ms, in which at most `timers` fire.
   * @throws {UnendingError} if it takes more.
   */
  async until<T>(promise: Promise<T>, limit = 3_600_000, timers = Number.POSITIVE_INFINITY): Promise<T> {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => {});
    const end = this.#now + limit;
    this.#left = timers;
    await settle();
    try {
      while (!settled) {
        if (this.#left === 0) throw new UnendingError(`it goes on after ${timers} timers`);
        if (!(await this.#fire(end)))
          throw new UnendingError('nothing more happens, and the promise is pending');
      }
    } finally {
      this.#left = Number.POSITIVE_INFINITY;
    }
    return done;
  }

  /** Fires all timers of the next moment up to `until`; false if there is none. */
  async #fire(until: number): Promise<boolean> {
    const first = this.#peek();
    if (first === undefined || first.at > until) return false;
    this.#now = Math.max(this.#now, first.at);
    for (let next = this.#peek(); next !== undefined && next.at <= this.#now; next = this.#peek()) {
      if (this.#left === 0) break;
      this.#left--;
      this.#pop();
      const { act } = next;
      next.act = null;
      this.#live--;
      act?.();
    }
    await settle();
    return true;
  }

  /** The earliest that was not cancelled. */
  #peek(): Entry | undefined {
    while (this.#heap[0]?.act === null) this.#pop();
    return this.#heap[0];
  }

  /** Most timers are deadlines that are met, and would stay in the queue long after that. */
  #clear(): void {
    // What is in order is a heap.
    this.#heap = this.#heap.filter(({ act }) => act !== null).sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Works off promise jobs: a macrotask runs only when the queue of microtasks is empty. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
