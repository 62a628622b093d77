/** One simulated process: its clock stands still while it is paused, and is dead once it was killed. */
import type { Clock, Timer } from '../ports/clock.ts';

export class NodeClock implements Clock {
  readonly #base: Clock;
  #paused = false;
  #dead = false;
  /** Not fired yet, and not cancelled. */
  readonly #timers = new Set<Timer>();
  /** What would have happened while it was paused. */
  #missed: Array<() => void> = [];

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now();
  }

  /** Timers that this process still waits for. */
  get pending(): number {
    return this.#timers.size;
  }

  after(ms: number, act: () => void): Timer {
    if (this.#dead) return { cancel() {} };
    let cancelled = false;
    const fire = () => {
      this.#timers.delete(timer);
      if (cancelled || this.#dead) return;
      if (this.#paused) this.#missed.push(fire);
      else act();
    };
    const waiting = this.#base.after(ms, fire);
    const timer = {
      cancel: () => {
        cancelled = true;
        this.#timers.delete(timer);
        waiting.cancel();
      },
    };
    this.#timers.add(timer);
    return timer;
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
    for (const fire of missed) this.#base.after(0, fire);
  }

  kill(): void {
    this.#dead = true;
    this.#missed = [];
    for (const timer of [...this.#timers]) timer.cancel();
  }
}
