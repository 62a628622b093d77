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
  /** ms until it begins: sessions that begin meanwhile are meant too. Absent: none. */
  readonly delayMs?: number;
  /** Asked again as each one's turn comes; null: it may go on after all. */
  readonly closeFor: ReasonFor;
}

/** The least time between two turns, ms: in each, all sessions end whose time has come. */
const TICK = 20;

/** Begins at once, or after its delay; `stop` leaves those alone whose turn has not come. */
export class Ending {
  /** Told of every session that ended, and of the end. */
  readonly changes = new Changes();
  readonly #options: EndingOptions;
  readonly #unfollow: () => void;
  /** Monotonic; null: the delay is not over. */
  #startedAt: number | null = null;
  /** In the order of their turns. */
  #queue: readonly string[];
  #open: Set<string>;
  #next = 0;
  #timer: Timer | null = null;
  #isOver = false;

  constructor(options: EndingOptions) {
    const { sessions, clock, isMeant, delayMs = 0 } = options;
    this.#options = options;
    this.#queue = sessions.select(isMeant);
    this.#open = new Set(this.#queue);
    this.#unfollow = sessions.follow((id) => this.#ended(id));
    if (delayMs > 0) this.#timer = clock.after(delayMs, () => this.#start());
    else this.#start();
  }

  /** How many there were as it began. */
  get total(): number {
    return this.#queue.length;
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

  #start(): void {
    const { sessions, clock, isMeant, overMs, delayMs = 0 } = this.#options;
    this.#timer = null;
    this.#startedAt = clock.monotonic();
    if (delayMs > 0) {
      this.#queue = sessions.select(isMeant);
      this.#open = new Set(this.#queue);
    }
    if (this.#open.size === 0) this.#finish();
    else if (overMs !== null) this.#tick();
  }

  #tick(): void {
    const { sessions, clock, closeFor } = this.#options;
    const passed = clock.monotonic() - (this.#startedAt ?? 0);
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
    if (this.#open.size === 0 && this.#startedAt !== null) this.#takeLate();
    this.changes.notify();
  }

  /** A session that was admitted as this began, and is in the list only since. */
  #takeLate(): void {
    const { sessions, isMeant, overMs, closeFor } = this.#options;
    const late = sessions.select(isMeant);
    for (const id of late) this.#open.add(id);
    const goOn = overMs === null ? [] : late.filter((id) => !sessions.close(id, closeFor));
    for (const id of goOn) this.#open.delete(id);
    if (this.#open.size === 0) this.#finish();
  }

  #finish(): void {
    this.#timer?.cancel();
    this.#isOver = true;
    this.#unfollow();
    this.changes.notify();
  }
}
