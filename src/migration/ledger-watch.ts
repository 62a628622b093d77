/**
 * Watches the ledger of one gate: reads it when it changes and at a steady beat, and keeps what it said last, also
 * while it is out of reach.
 */
import type { EventSink } from '../events/fan-out.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { SeenClaims } from './foreign-ledgers.ts';
import type { Ledger, LedgerView } from './ledger/ledger.ts';
import { LedgerFormatError } from './ledger/record.ts';

/**
 * What is known of the ledger. `view` of one out of reach is what it said last, when it was asked at `readAt`; `since` is
 * when that began.
 */
export type LedgerStanding =
  | { readonly kind: 'known'; readonly view: LedgerView; readonly readAt: number }
  | {
      readonly kind: 'unavailable';
      readonly why: string;
      readonly view: LedgerView | null;
      readonly readAt: number;
      readonly since: number;
    };

export interface LedgerWatchOptions {
  readonly ledger: Ledger;
  readonly cluster: SeenClaims;
  readonly clock: Clock;
  readonly events: EventSink;
  /**
   * Called after each reading, before anybody hears of it; what it does belongs to the reading. `seen` is what servers
   * remembered before it: a token given later is in no record that was read.
   */
  readonly react: (before: LedgerStanding, seen: SeenClaims) => Promise<void>;
  /** Something changed that is more than progress. */
  readonly changed: () => void;
}

/** How often the ledger is read without being told of a change, ms. */
export const HEARTBEAT = 1_000;

/** One gate's view of its ledger. Readings that are asked for while one is under way share it. */
export class LedgerWatch {
  readonly #options: LedgerWatchOptions;
  #standing: LedgerStanding = {
    kind: 'unavailable',
    why: 'not read yet',
    view: null,
    readAt: Number.NEGATIVE_INFINITY,
    since: Number.NEGATIVE_INFINITY,
  };
  #reading: Promise<void> | null = null;
  /** When the ledger was last asked. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When it was asked for the last reading that is over. */
  #knownAt = Number.NEGATIVE_INFINITY;
  #unwatch = () => {};
  #heartbeat: Timer | null = null;
  #stopped = false;

  constructor(options: LedgerWatchOptions) {
    this.#options = options;
  }

  get standing(): LedgerStanding {
    return this.#standing;
  }

  /** What the ledger said last; null: it was never read. */
  get view(): LedgerView | null {
    return this.#standing.view;
  }

  /** Reads the ledger, and acts on what it says. */
  look(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
      this.#knownAt = this.#askedAt;
    });
    return this.#reading;
  }

  /** Reads the ledger if what is known of it is older than `maxAge` ms; a reading under way is shared if begun since. */
  async refresh(maxAge: number): Promise<void> {
    const oldest = this.#options.clock.monotonic() - maxAge;
    // The reading under way may have been begun before: what it answers may be what was true then.
    for (let tries = 0; tries < 2 && this.#knownAt < oldest; tries++) await this.look();
  }

  /** Takes a view that was read otherwise, within `react`. */
  take(view: LedgerView): void {
    this.#standing = { kind: 'known', view, readAt: this.#askedAt };
  }

  /** Resolves once the ledger was read, or turned out to be out of reach. */
  async start(): Promise<void> {
    this.#unwatch = this.#options.ledger.watch(() => void this.look());
    await this.look();
    this.#beat();
  }

  /** Ends the watch. The reading under way goes on: `settled` waits for it. */
  stop(): void {
    this.#stopped = true;
    this.#heartbeat?.cancel();
    this.#unwatch();
  }

  async settled(): Promise<void> {
    await this.#reading;
  }

  #beat(): void {
    if (this.#stopped) return;
    this.#heartbeat = this.#options.clock.after(HEARTBEAT, () => {
      void this.look().finally(() => this.#beat());
    });
  }

  async #read(): Promise<void> {
    const { ledger, cluster, clock, react, changed } = this.#options;
    const before = this.#standing;
    this.#askedAt = clock.monotonic();
    const { token, ledgers } = cluster;
    try {
      this.take(await ledger.read());
      this.#sayAvailable(before);
    } catch (error) {
      this.#lose(error as Error, before);
    }
    await react(before, { token, ledgers });
    const now = this.#standing;
    if (before.kind !== now.kind || !saysTheSame(before.view, now.view)) changed();
  }

  #sayAvailable(before: LedgerStanding): void {
    const { ledger, events } = this.#options;
    if (before.kind === 'unavailable')
      events.emit({ event: 'migration', what: 'ledger-available', ledger: ledger.url });
  }

  #lose(error: Error, before: LedgerStanding): void {
    const { ledger, events, clock } = this.#options;
    const why = error.message;
    const since = before.kind === 'known' ? clock.monotonic() : before.since;
    this.#standing = { kind: 'unavailable', why, view: before.view, readAt: before.readAt, since };
    if (before.kind === 'known' || before.why !== why)
      events.emit({
        event: 'migration',
        what: 'ledger-unavailable',
        ledger: ledger.url,
        error: why,
        damaged: error instanceof LedgerFormatError,
      });
  }
}

/** Mostly nothing was written in between, and then the record is the same object. */
function saysTheSame(one: LedgerView | null, other: LedgerView | null): boolean {
  const isSame =
    one?.record === other?.record &&
    one?.leaseAlive === other?.leaseAlive &&
    one?.contradiction === other?.contradiction;
  return isSame || contentOf(one) === contentOf(other);
}

/** What those who wait want to hear of at once: progress they look up by themselves. */
function contentOf(view: LedgerView | null): string {
  return JSON.stringify(view, (key, value) => (key === 'progress' ? null : value));
}
