/** The ledger's store of a fleet on virtual time, and what can become of it behind the backs of its gates. */
import { MemoryStore } from '../../migration/ledger/memory.ts';
import type { HistoryEntry } from '../../migration/ledger/record.ts';
import type { Snapshot, Store, Swap } from '../../migration/ledger/store.ts';
import type { Clock } from '../../ports/clock.ts';

/**
 * How a ledger is lost. `deleted`: it is empty, which gates find at their next look. `wiped`: it is empty, and whoever
 * watches it is told at once. `restored`: it is what it was so many ms before, with the lease that it had then, which
 * begins anew.
 */
export type LedgerLoss = 'deleted' | 'wiped' | { readonly restored: number };

/** What the ledger was at a time. */
interface Copy {
  readonly at: number;
  /** Null: nothing was written yet. */
  readonly text: string | null;
  readonly history: readonly HistoryEntry[];
  readonly lease: { readonly token: number; readonly ms: number } | null;
}

const EMPTY: Copy = { at: Number.NEGATIVE_INFINITY, text: null, history: [], lease: null };

/** A store in memory, of one cluster, that can be lost. */
export class VirtualLedgerStore implements Store {
  readonly url = 'memory:';
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #cluster: string;
  #store: MemoryStore;
  /** What it was after each write and each loss, oldest first. */
  #copies: Copy[] = [EMPTY];
  readonly #watchers = new Set<() => void>();

  /** @param clock the true time, which the store tells as well. */
  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, cluster: string) {
    this.#clock = clock;
    this.#cluster = cluster;
    this.#store = new MemoryStore(clock);
  }

  read(cluster: string): Promise<Snapshot> {
    return this.#store.read(cluster);
  }

  async swap(cluster: string, swap: Swap): Promise<boolean> {
    const { history, lease } = this.#last;
    if (!(await this.#store.swap(cluster, swap))) return false;
    const { text, grant, drop } = swap;
    const rest = drop !== undefined && lease?.token === drop ? null : lease;
    const copy = {
      at: this.#clock.monotonic(),
      text,
      history: [...history, ...swap.history],
      lease: grant ?? rest,
    };
    this.#copies.push(copy);
    for (const changed of [...this.#watchers]) changed();
    return true;
  }

  renew(cluster: string, token: number, ms: number): Promise<boolean> {
    return this.#store.renew(cluster, token, ms);
  }

  history(cluster: string): Promise<HistoryEntry[]> {
    return this.#store.history(cluster);
  }

  watch(_cluster: string, changed: () => void): () => void {
    // Each watch its own, however often it is asked for.
    const watcher = () => changed();
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async close(): Promise<void> {}

  /** @returns what is in it then, null for nothing; undefined: just what was in it before */
  async lose(loss: LedgerLoss): Promise<string | null | undefined> {
    const now = this.#clock.monotonic();
    const copy = typeof loss === 'string' ? EMPTY : this.#asOf(now - loss.restored);
    if (copy.text === this.#last.text) return undefined;
    const store = new MemoryStore(this.#clock);
    if (copy.text !== null) {
      const grant = copy.lease === null ? {} : { grant: copy.lease };
      await store.swap(this.#cluster, { expect: '0', text: copy.text, history: copy.history, ...grant });
    }
    this.#store = store;
    this.#copies.push({ ...copy, at: now });
    if (loss === 'wiped') for (const changed of [...this.#watchers]) changed();
    return copy.text;
  }

  get #last(): Copy {
    return this.#copies.at(-1) ?? EMPTY;
  }

  #asOf(time: number): Copy {
    return this.#copies.findLast(({ at }) => at <= time) ?? EMPTY;
  }
}
