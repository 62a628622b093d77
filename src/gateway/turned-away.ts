/**
 * Who is turned away for a limit of their source. A few each second are told why, as any other client, and have a record
 * each; the others are cut off without a word, and are counted into one record for each source and second. So a flood
 * costs the log, and whoever would answer it, a bounded amount, and is never silent.
 */
import type { EventSink } from '../events/fan-out.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { SourceLimit } from './sources.ts';

/** Told in a second, of one source. */
export const TOLD_OF_SOURCE = 5;
/** The same of all sources. */
const TOLD = 100;
/** Records in a second of those who were cut off; further sources share one. */
const RECORDS = 100;
/** ms. */
const PERIOD = 1_000;

/** Those of one source and limit, in this second. */
interface Tally {
  readonly source: string;
  readonly limit: SourceLimit;
  told: number;
  cut: number;
}

export interface TurnedAwayOptions {
  readonly clock: Clock;
  readonly events: EventSink;
}

/** Decides who is told, and records the others. */
export class TurnedAway {
  readonly #options: TurnedAwayOptions;
  readonly #tallies = new Map<string, Tally>();
  /** Beyond as many sources as have a record each; by limit. */
  readonly #further = new Map<SourceLimit, Tally>();
  #told = 0;
  #timer: Timer | null = null;
  /** ms since the epoch. */
  #since = 0;

  constructor(options: TurnedAwayOptions) {
    this.#options = options;
  }

  /** One more. @returns whether it is told why; if not, it is cut off */
  tells(source: string, limit: SourceLimit): boolean {
    const { clock } = this.#options;
    if (this.#timer === null) {
      this.#since = clock.now();
      this.#timer = clock.after(PERIOD, () => this.flush());
    }
    const tally = this.#tallyOf(source, limit);
    const isTold = tally.told < TOLD_OF_SOURCE && this.#told < TOLD;
    if (isTold) {
      tally.told++;
      this.#told++;
    } else tally.cut++;
    return isTold;
  }

  /** Records those who were cut off so far. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#told = 0;
    const since = new Date(this.#since).toISOString();
    for (const { source, limit, cut } of this.#tallies.values()) this.#record(source, limit, cut, since);
    for (const { limit, cut } of this.#further.values()) this.#record(null, limit, cut, since);
    this.#tallies.clear();
    this.#further.clear();
  }

  #tallyOf(source: string, limit: SourceLimit): Tally {
    const key = `${limit} ${source}`;
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    if (this.#tallies.size < RECORDS) {
      const tally = { source, limit, told: 0, cut: 0 };
      this.#tallies.set(key, tally);
      return tally;
    }
    const further = this.#further.get(limit) ?? { source: '', limit, told: TOLD_OF_SOURCE, cut: 0 };
    this.#further.set(limit, further);
    return further;
  }

  #record(source: string | null, limit: SourceLimit, count: number, since: string): void {
    if (count === 0) return;
    const code = 'TOO_MANY_CONNECTIONS';
    this.#options.events.emit({ event: 'turned-away', limit, code, source, count, since });
  }
}
