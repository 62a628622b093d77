/**
 * A record that the gates of one cluster share in the ledger's store, beside the ledger itself: JSON that is read whole,
 * and written only where it is still what was read. A cluster has one of each kind; the ledger's own record is none.
 */
import { z } from 'zod';
import { LedgerFormatError } from '../migration/ledger/record.ts';
import type { Store, Swap } from '../migration/ledger/store.ts';
import { type Clock, pause } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

/** What gates share: who they are, orders for all of them, what probes found. */
export type RecordKind = 'gates' | 'orders' | 'findings';

export interface RecordPlace {
  readonly store: Store;
  /** The cluster's name. */
  readonly cluster: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** A record as it was read. */
export interface Reading<T> {
  readonly value: T;
  /** The store's time of day then; the gate's own for a store that has none. ms since the epoch */
  readonly time: number;
  /** When the store was asked, monotonic. */
  readonly askedAt: number;
  /** Tokens whose leases are alive. */
  readonly alive: ReadonlySet<number>;
}

/** What a swap may ask for beside that nobody was first. */
export type Conditions = Pick<Swap, 'guard' | 'vacant' | 'grant' | 'drop'>;

/** Writes lost to others before one gives up; each means that another one's write succeeded. */
const MAX_TRIES = 200;
/** The longest wait before the next try, ms. */
const LONGEST_PAUSE = 200;
const FORMAT = 1;

/** One kind of record of one cluster. @throws {LedgerUnavailable | LedgerFormatError} from every verb */
export class SharedRecord<T extends object> {
  readonly #place: RecordPlace;
  readonly #kind: RecordKind;
  readonly #schema: z.ZodType<T>;
  readonly #empty: T;
  /** What was read last: mostly what is read next, which then is the same object. */
  #last: { readonly text: string; readonly value: T } | null = null;

  /** @param empty what stands for a record that nobody wrote yet */
  constructor(place: RecordPlace, kind: RecordKind, schema: z.ZodType<T>, empty: T) {
    this.#place = place;
    this.#kind = kind;
    this.#schema = schema;
    this.#empty = empty;
  }

  async read(): Promise<Reading<T>> {
    return (await this.#read()).reading;
  }

  /**
   * Writes what `next` makes of the record, again where another one was first.
   * @param next null from it: there is nothing to write
   * @param conditions where they do not hold, nothing is written
   * @returns what was written; null: nothing was
   */
  async update(
    next: (now: Reading<T>) => T | null,
    conditions: (now: Reading<T>) => Conditions | null = () => ({}),
  ): Promise<T | null> {
    const { store, clock, random } = this.#place;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { reading, revision } = await this.#read();
      const value = next(reading);
      const more = conditions(reading);
      if (value === null || more === null) return null;
      const text = JSON.stringify({
        format: FORMAT,
        kind: this.#kind,
        cluster: this.#place.cluster,
        ...value,
      });
      if (await store.swap(this.#name, { expect: revision, text, history: [], ...more })) return value;
      // Whoever was first is not waited for in step with all others.
      await pause(clock, random.next() * Math.min(LONGEST_PAUSE, 2 ** tries));
    }
    throw new Error(`${store.url}: others kept changing the ${this.#kind} of cluster ${this.#place.cluster}`);
  }

  /** False: the lease is gone. */
  renew(token: number, ms: number): Promise<boolean> {
    return this.#place.store.renew(this.#name, token, ms);
  }

  /** Calls `changed` soon after any change, by whomever. Returns what ends it. */
  watch(changed: () => void): () => void {
    return this.#place.store.watch(this.#name, changed);
  }

  get #name(): string {
    return `${this.#place.cluster}#${this.#kind}`;
  }

  async #read(): Promise<{ readonly reading: Reading<T>; readonly revision: string }> {
    const { store, clock } = this.#place;
    const askedAt = clock.monotonic();
    const { text, revision, alive, time = clock.now() } = await store.read(this.#name);
    return { reading: { value: this.#valueOf(text), time, askedAt, alive }, revision };
  }

  #valueOf(text: string | null): T {
    if (text === null) return this.#empty;
    if (this.#last?.text !== text) this.#last = { text, value: this.#parse(text) };
    return this.#last.value;
  }

  /** One of a newer program, or of something else, is left alone. */
  #parse(text: string): T {
    const what = `the ${this.#kind} of cluster ${this.#place.cluster}`;
    const { store, cluster } = this.#place;
    const head = headOf(text);
    if (head === null) throw new LedgerFormatError(`${store.url}: ${what} are damaged`);
    if (head.format > FORMAT)
      throw new LedgerFormatError(
        `${store.url}: ${what} have format ${head.format}, this program knows up to ${FORMAT}: run a newer skewgate`,
      );
    const parsed = this.#schema.safeParse(head.rest);
    if (!parsed.success || head.kind !== this.#kind || head.cluster !== cluster)
      throw new LedgerFormatError(`${store.url}: ${what} are damaged, or something else's`);
    return parsed.data;
  }
}

const headSchema = z.looseObject({ format: z.int(), kind: z.string(), cluster: z.string() });

function headOf(text: string) {
  try {
    const { format, kind, cluster, ...rest } = headSchema.parse(JSON.parse(text));
    return { format, kind, cluster, rest };
  } catch {
    return null;
  }
}
