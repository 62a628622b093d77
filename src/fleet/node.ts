/** One simulated process: its clock stands still while it is paused, and is dead once it was killed. */
import type { Clock, Timer } from '../ports/clock.ts';

export class NodeClock implements Clock {
  readonly #base: Clock;
  #paused = false;
  #dead = false;
  /** What would have happened while it was paused. */
  #missed: Array<() => void> = [];

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now();
  }

  after(ms: number, act: () => void): Timer {
    let cancelled = false;
    const fire = () => {
      if (cancelled || this.#dead) return;
      if (this.#paused) this.#missed.push(fire);
      else act();
    };
    const timer = this.#base.after(ms, fire);
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  get paused(): boolean {
    return this.#paused;
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
  }
}
