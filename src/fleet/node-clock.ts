/** The clock of one simulated process, through which the process is paused and killed. */
import type { Clock, Timer } from '../ports/clock.ts';

class NodeTimer implements Timer {
  /** Null once cancelled. */
  act: (() => void) | null;
  waiting: Timer | null = null;
  readonly #timers: Set<NodeTimer>;

  constructor(act: () => void, timers: Set<NodeTimer>) {
    this.act = act;
    this.#timers = timers;
  }

  cancel(): void {
    this.act = null;
    this.#timers.delete(this);
    this.waiting?.cancel();
  }
}

/** The timers of a paused process wait until it resumes; those of a killed process never fire. */
export class NodeClock implements Clock {
  readonly #base: Clock;
  /** ms that it is ahead of the true time; negative: behind. */
  skew: number;
  #paused = false;
  #dead = false;
  /** Not fired yet, and not cancelled. */
  readonly #timers = new Set<NodeTimer>();
  /** What would have happened while it was paused. */
  #missed: NodeTimer[] = [];

  /** @param base the true time */
  constructor(base: Clock, skew = 0) {
    this.#base = base;
    this.skew = skew;
  }

  now(): number {
    return this.#base.now() + this.skew;
  }

  monotonic(): number {
    return this.#base.monotonic();
  }

  /** Timers that this process still waits for. */
  get pending(): number {
    return this.#timers.size;
  }

  after(ms: number, act: () => void): Timer {
    if (this.#dead) return { cancel() {} };
    const timer = new NodeTimer(act, this.#timers);
    timer.waiting = this.#base.after(ms, () => this.#fire(timer));
    this.#timers.add(timer);
    return timer;
  }

  #fire(timer: NodeTimer): void {
    this.#timers.delete(timer);
    const { act } = timer;
    if (act === null || this.#dead) return;
    if (this.#paused) this.#missed.push(timer);
    else act();
  }

  get paused(): boolean {
    return this.#paused;
  }

  get dead(): boolean {
    return this.#dead;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const missed = this.#missed;
    this.#missed = [];
    for (const timer of missed) this.#base.after(0, () => this.#fire(timer));
  }

  kill(): void {
    this.#dead = true;
    this.#missed = [];
    for (const timer of [...this.#timers]) timer.cancel();
  }
}
