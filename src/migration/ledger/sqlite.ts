/** A store in a SQLite file that the gates of one machine share. */
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { LedgerKind } from './kind.ts';
import type { HistoryEntry } from './record.ts';
import { SqliteFile } from './sqlite-file.ts';
import { machineUptime, SqliteLeases } from './sqlite-leases.ts';
import type { Snapshot, Store, Swap } from './store.ts';

/** How often a watch looks, ms. */
const POLL = 250;

export interface SqliteStoreOptions {
  readonly file: string;
  /** For polling. */
  readonly clock: Clock;
  /** ms since the machine was started. */
  readonly uptime?: () => number;
  /** The machine's time of day, ms since the epoch; absent: the ledger goes by the gate's clock. */
  readonly timeOfDay?: () => number;
}

/** A store in a file, which its first write makes. */
export class SqliteStore implements Store {
  readonly url: string;
  readonly #file: SqliteFile;
  readonly #leases: SqliteLeases;
  readonly #clock: Clock;
  readonly #timeOfDay: (() => number) | undefined;

  constructor({ file, clock, uptime = machineUptime(), timeOfDay }: SqliteStoreOptions) {
    this.#file = new SqliteFile(file);
    this.#leases = new SqliteLeases(uptime);
    this.#clock = clock;
    this.#timeOfDay = timeOfDay;
    this.url = this.#file.url;
  }

  read(cluster: string): Promise<Snapshot> {
    return this.#file.guard(() => {
      const db = this.#file.toRead();
      const time = this.#timeOfDay === undefined ? {} : { time: this.#timeOfDay() };
      if (db === null) return { revision: '0', text: null, alive: new Set<number>(), ...time };
      const row = rowOf(db, cluster);
      const left = this.#leases.alive(db, cluster);
      const alive = new Set(left.keys());
      return { revision: String(row?.revision ?? 0), text: row?.record ?? null, alive, left, ...time };
    });
  }

  swap(cluster: string, swap: Swap): Promise<boolean> {
    return this.#file.transact((db) => {
      const revision = rowOf(db, cluster)?.revision ?? 0n;
      if (String(revision) !== swap.expect) return false;
      if (swap.guard !== undefined && !this.#leases.alive(db, cluster).has(swap.guard)) return false;
      if (swap.vacant !== undefined && this.#leases.alive(db, cluster).has(swap.vacant)) return false;
      write(db, cluster, revision + 1n, swap);
      if (swap.grant) {
        this.#leases.end(db, cluster, null);
        this.#leases.grant(db, cluster, swap.grant.token, swap.grant.ms);
      }
      if (swap.drop !== undefined) this.#leases.end(db, cluster, swap.drop);
      return true;
    });
  }

  async renew(cluster: string, token: number, ms: number): Promise<boolean> {
    if ((await this.#file.guard(() => this.#file.toRead())) === null) return false;
    return this.#file.transact((db) => {
      if (!this.#leases.alive(db, cluster).has(token)) return false;
      this.#leases.grant(db, cluster, token, ms);
      return true;
    });
  }

  history(cluster: string): Promise<HistoryEntry[]> {
    return this.#file.guard(() => {
      const rows = this.#file
        .toRead()
        ?.prepare('SELECT entry FROM skewgate_history WHERE cluster = ? ORDER BY seq')
        .all(cluster);
      return (rows ?? []).map((row) => JSON.parse(String(row.entry)) as HistoryEntry);
    });
  }

  watch(cluster: string, changed: () => void): () => void {
    let last: string | null = null;
    let stopped = false;
    let timer: Timer | null = null;
    const look = () => {
      if (stopped) return;
      try {
        const revision = this.#revisionOf(cluster);
        if (last !== null && revision !== last) changed();
        last = revision;
      } catch {
        changed();
      }
      timer = this.#clock.after(POLL, look);
    };
    look();
    return () => {
      stopped = true;
      timer?.cancel();
    };
  }

  async close(): Promise<void> {
    this.#file.close();
  }

  #revisionOf(cluster: string): string {
    const db = this.#file.toRead();
    return db === null ? '0' : String(rowOf(db, cluster)?.revision ?? 0);
  }
}

function rowOf(db: DatabaseSync, cluster: string): { revision: bigint; record: string } | undefined {
  const query = db.prepare('SELECT revision, record FROM skewgate_ledger WHERE cluster = ?');
  query.setReadBigInts(true);
  return query.get(cluster) as { revision: bigint; record: string } | undefined;
}

function write(db: DatabaseSync, cluster: string, revision: bigint, { text, history }: Swap): void {
  db.prepare('INSERT OR REPLACE INTO skewgate_ledger VALUES (?, ?, ?)').run(cluster, revision, text);
  const append = db.prepare('INSERT INTO skewgate_history (cluster, entry) VALUES (?, ?)');
  for (const entry of history) append.run(cluster, JSON.stringify(entry));
}

/** `sqlite:PATH`: of all processes of one machine. */
export const SQLITE: LedgerKind = {
  scheme: 'sqlite',
  usage: 'sqlite:PATH',
  shared: 'machine',
  parse(rest) {
    if (rest === '') throw new Error('"sqlite:" is not a ledger: it names no file');
    return { hosts: [], file: rest };
  },
  open: (rest, { folder, clock }) =>
    new SqliteStore({ file: path.resolve(folder, rest), clock, timeOfDay: Date.now }),
};
