/**
 * Sessions that are to end, evenly over a time: the oldest release first, the n-th of N once n/N of the time has passed.
 * However many there are, they cost one list, one timer, and no look at those that are not their turn.
 */
import { Changes } from '../ports/changes.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { ReasonFor, SessionFilter, SessionRegistry } from './sessions.ts';

export interface EndingOptions {
  readonly sessions: SessionRegistry;
  readonly clock: Clock;
  /** Which sessions are to end. */
  readonly isMeant: SessionFilter;
  /** ms; null: none is ended from this side, only waited for. */
  readonly overMs: number | null;
  /** Asked again as each one's turn comes; null: it may go on after all. */
  readonly closeFor: ReasonFor;
}

/** The least time between two turns, ms: in each, all sessions end whose time has come. */
const TICK = 20;

/** Begins at once; `stop` leaves those alone whose turn has not come. */
export class Ending {
  /** Told of every session that ended, and of the end. */
  readonly changes = new Changes();
  /** How many there were as it began. */
  readonly total: number;
  readonly #options: EndingOptions;
  readonly #startedAt: number;
  /** In the order of their turns. */
  readonly #queue: readonly string[];
  readonly #open: Set<string>;
  readonly #unfollow: () => void;
  #next = 0;
  #timer: Timer | null = null;
  #isOver = false;

  constructor(options: EndingOptions) {
    const { sessions, clock, isMeant } = options;
    this.#options = options;
    this.#startedAt = clock.monotonic();
    this.#queue = sessions.select(isMeant);
    this.#open = new Set(this.#queue);
    this.total = this.#queue.length;
    this.#unfollow = sessions.follow((id) => this.#ended(id));
    if (this.#open.size === 0) this.#finish();
    else if (options.overMs !== null) this.#tick();
  }

  /** Those that are open still. */
  get left(): number {
    return this.#open.size;
  }

  /** Whether that session is one of them. */
  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** Whether none is left, or it was stopped. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** No further session is ended. */
  stop(): void {
    this.#timer?.cancel();
    this.#finish();
  }

  #tick(): void {
    const { sessions, clock, closeFor } = this.#options;
    const passed = clock.monotonic() - this.#startedAt;
    while (this.#next < this.total && this.#momentOf(this.#next) <= passed) {
      const id = this.#queue[this.#next++] as string;
      if (this.#open.has(id) && !sessions.close(id, closeFor)) this.#ended(id);
    }
    if (this.#next < this.total && !this.#isOver)
      this.#timer = clock.after(Math.max(TICK, this.#momentOf(this.#next) - passed), () => this.#tick());
  }

  /** When it is the turn of the n-th, counted from 0; ms from the start. */
  #momentOf(n: number): number {
    return ((this.#options.overMs ?? 0) * (n + 1)) / this.total;
  }

  #ended(id: string): void {
    if (!this.#open.delete(id)) return;
    if (this.#open.size === 0) this.#takeLate();
    this.changes.notify();
  }

  /** A session that was admitted as this began, and is in the list only since. */
  #takeLate(): void {
    const { sessions, isMeant, overMs, closeFor } = this.#options;
    const late = sessions.select(isMeant).filter((id) => !this.#open.has(id));
    for (const id of late) this.#open.add(id);
    const goOn = overMs === null ? [] : late.filter((id) => !sessions.close(id, closeFor));
    for (const id of goOn) this.#open.delete(id);
    if (this.#open.size === 0) this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    this.#unfollow();
    this.changes.notify();
  }
}
