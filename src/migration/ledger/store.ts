/**
 * A store keeps one record a cluster, its history, and leases. It knows nothing of upgrades: all it promises
 * is that a swap is all or nothing, and that a lease is alive for as long as it was granted or renewed for.
 */
import type { HistoryEntry } from './record.ts';

export interface Snapshot {
  /** Changes with every swap; opaque. */
  readonly revision: string;
  /** JSON; null: nothing was ever written. */
  readonly text: string | null;
  /** Tokens whose leases are alive. */
  readonly alive: ReadonlySet<number>;
  /** ms that each of them is still alive for, unless it is renewed; absent: the store does not say. */
  readonly left?: ReadonlyMap<number, number>;
  /** The store's own time of day when it was read, ms since the epoch; absent: it has none but the gate's. */
  readonly time?: number;
}

export interface Swap {
  /** The swap happens only if the record is still the one read. */
  readonly expect: string;
  readonly text: string;
  readonly history: readonly HistoryEntry[];
  /** Only while this token's lease is alive. */
  readonly guard?: number;
  /** Only if this token's lease is not alive. */
  readonly vacant?: number;
  readonly grant?: { readonly token: number; readonly ms: number };
  readonly drop?: number;
}

export interface Store {
  /** How people name it. */
  readonly url: string;
  /** Reads; never writes. @throws {LedgerUnavailable} */
  read(cluster: string): Promise<Snapshot>;
  /** True: done. False: a condition did not hold, nothing was changed. @throws {LedgerUnavailable} */
  swap(cluster: string, swap: Swap): Promise<boolean>;
  /** False: the lease is gone and does not come back. @throws {LedgerUnavailable} */
  renew(cluster: string, token: number, ms: number): Promise<boolean>;
  /** Oldest first. @throws {LedgerUnavailable} */
  history(cluster: string): Promise<HistoryEntry[]>;
  /** Calls `changed` soon after any change, by whomever. Returns what ends it. */
  watch(cluster: string, changed: () => void): () => void;
  close(): Promise<void>;
}

/** A store that does as another one does, but for what is given: for what stands between a gate and its ledger. */
export function wrapStore(store: Store, over: Partial<Store>): Store {
  return {
    url: store.url,
    read: (...args) => store.read(...args),
    swap: (...args) => store.swap(...args),
    renew: (...args) => store.renew(...args),
    history: (...args) => store.history(...args),
    watch: (...args) => store.watch(...args),
    close: () => store.close(),
    ...over,
  };
}

/** The store can't be reached or read. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
}
