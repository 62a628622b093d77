/** A store inside the process: for tests, and for gates that share no ledger. */
import type { Clock } from '../../ports/clock.ts';
import type { LedgerKind } from './kind.ts';
import type { HistoryEntry } from './record.ts';
import type { Snapshot, Store, Swap } from './store.ts';

interface Row {
  readonly revision: number;
  readonly text: string;
  readonly history: readonly HistoryEntry[];
}

type MemoryClock = Pick<Clock, 'now' | 'monotonic'>;

/** A store whose data ends with the object. Its time, and that of its leases, is that of the clock that it is given. */
export class MemoryStore implements Store {
  readonly url = 'memory:';
  readonly #clock: MemoryClock;
  readonly #rows = new Map<string, Row>();
  /** When the lease of each cluster's claim ends. */
  readonly #leases = new Map<string, { readonly token: number; readonly expires: number }>();
  readonly #watchers = new Set<{ readonly cluster: string; readonly changed: () => void }>();

  constructor(clock: MemoryClock) {
    this.#clock = clock;
  }

  async read(cluster: string): Promise<Snapshot> {
    const row = this.#rows.get(cluster);
    const lease = this.#leases.get(cluster);
    const left = new Map(
      lease !== undefined && this.#isAlive(cluster, lease.token)
        ? [[lease.token, lease.expires - this.#clock.monotonic()]]
        : [],
    );
    const alive = new Set(left.keys());
    return {
      revision: String(row?.revision ?? 0),
      text: row?.text ?? null,
      alive,
      left,
      time: this.#clock.now(),
    };
  }

  async swap(cluster: string, { expect, text, history, guard, vacant, grant, drop }: Swap): Promise<boolean> {
    const row = this.#rows.get(cluster);
    const revision = row?.revision ?? 0;
    if (String(revision) !== expect) return false;
    if (guard !== undefined && !this.#isAlive(cluster, guard)) return false;
    if (vacant !== undefined && this.#isAlive(cluster, vacant)) return false;
    this.#rows.set(cluster, {
      revision: revision + 1,
      text,
      history: [...(row?.history ?? []), ...history],
    });
    if (grant) this.#grant(cluster, grant.token, grant.ms);
    if (drop !== undefined && this.#leases.get(cluster)?.token === drop) this.#leases.delete(cluster);
    for (const watcher of [...this.#watchers]) if (watcher.cluster === cluster) watcher.changed();
    return true;
  }

  async renew(cluster: string, token: number, ms: number): Promise<boolean> {
    if (!this.#isAlive(cluster, token)) return false;
    this.#grant(cluster, token, ms);
    return true;
  }

  async history(cluster: string): Promise<HistoryEntry[]> {
    return [...(this.#rows.get(cluster)?.history ?? [])];
  }

  watch(cluster: string, changed: () => void): () => void {
    const watcher = { cluster, changed };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async close(): Promise<void> {}

  #grant(cluster: string, token: number, ms: number): void {
    this.#leases.set(cluster, { token, expires: this.#clock.monotonic() + ms });
  }

  #isAlive(cluster: string, token: number): boolean {
    const lease = this.#leases.get(cluster);
    return lease?.token === token && lease.expires > this.#clock.monotonic();
  }
}

/** `memory:`: of one process alone, and gone with it. */
export const MEMORY: LedgerKind = {
  scheme: 'memory',
  usage: 'memory:',
  shared: 'process',
  parse(rest) {
    if (rest !== '')
      throw new Error(`${JSON.stringify(`memory:${rest}`)} is not a ledger: memory: takes nothing`);
    return { hosts: [], file: null };
  },
  open: (_rest, { clock }) => new MemoryStore(clock),
};
