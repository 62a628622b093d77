/**
 * A store in a SQLite file that the gates of one machine share. The file is created by the first write, not by
 * looking. Leases go by the time since the machine was started, which all its processes share and nobody sets; one
 * that reaches further into the future than it was granted for (from before the machine's last start) has lapsed.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { isBusy } from '../../ports/busy.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { HistoryEntry } from './record.ts';
import { LedgerUnavailable, type Store } from './store.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS skewgate_ledger (cluster TEXT PRIMARY KEY, revision INTEGER NOT NULL, record TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS skewgate_lease (cluster TEXT, token INTEGER, expires REAL NOT NULL, ms REAL NOT NULL, clock TEXT NOT NULL, PRIMARY KEY (cluster, token));
  CREATE TABLE IF NOT EXISTS skewgate_history (seq INTEGER PRIMARY KEY AUTOINCREMENT, cluster TEXT NOT NULL, entry TEXT NOT NULL);
`;
/**
 * A file from before leases named their clock: those that it holds go by the time of day. From the first claim on, a
 * program that knows no better can't grant any more: it would take ours for lapsed.
 */
const NAME_CLOCK = "ALTER TABLE skewgate_lease ADD COLUMN clock TEXT NOT NULL DEFAULT 'day'";
/** How long what is locked is waited for. */
const BUSY_MS = 5_000;
const POLL_MS = 250;
/** After how long what was locked is tried again. */
const BUSY_PAUSE_MS = 25;
/** What rounding may make of it. */
const SLACK_MS = 1_000;

/** A container may have a time namespace of its own, which begins at another time: what it adds is left out. */
function machineUptime(): () => number {
  const offset = namespaceOffset();
  return () => Number(process.hrtime.bigint() / 1_000n) / 1_000 - offset;
}

/** ms */
function namespaceOffset(): number {
  try {
    const [, seconds = 0, nanoseconds = 0] =
      /^monotonic\s+(-?\d+)\s+(\d+)/m.exec(readFileSync('/proc/self/timens_offsets', 'utf8')) ?? [];
    return Number(seconds) * 1_000 + Number(nanoseconds) / 1e6;
  } catch {
    return 0;
  }
}

/** A row; without a clock in a file from before they were named. */
interface LeaseRow {
  readonly token: number;
  readonly expires: number;
  readonly ms: number;
  readonly clock?: string;
}

export interface SqliteStoreOptions {
  readonly file: string;
  /** For polling. */
  readonly clock: Clock;
  /** ms since the machine was started. */
  readonly uptime?: () => number;
}

export function createSqliteStore({ file, clock, uptime = machineUptime() }: SqliteStoreOptions): Store {
  const url = `sqlite:${file}`;
  let open: { readonly db: DatabaseSync; readonly inode: number; readonly writable: boolean } | null = null;
  let prepared = false;
  const shut = () => {
    open?.db.close();
    open = null;
    prepared = false;
  };
  /** A file that was taken away or replaced since it was opened is let go: everybody else uses the one of that name. */
  const opened = (writable: boolean): DatabaseSync | null => {
    const inode = statSync(file, { throwIfNoEntry: false })?.ino;
    if (open !== null && (open.inode !== inode || (writable && !open.writable))) shut();
    if (open === null && inode === undefined && !writable) return null;
    if (open === null) {
      const db = new DatabaseSync(file, { timeout: 0, readOnly: !writable });
      open = { db, inode: statSync(file).ino, writable };
    }
    return open.db;
  };
  /** For reading, which leaves alone even what a killed process left behind: null until there is something to read. */
  const openToRead = (): DatabaseSync | null => {
    const db = opened(false);
    prepared ||=
      db?.prepare("SELECT 1 FROM sqlite_master WHERE name = 'skewgate_history'").get() !== undefined;
    return prepared ? db : null;
  };
  const openToWrite = (): DatabaseSync => {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    const db = opened(true) as DatabaseSync;
    if (prepared) return db;
    db.exec('PRAGMA journal_mode = WAL');
    db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    prepared = true;
    return db;
  };
  /**
   * What is locked is tried again: SQLite's own waiting would stop everything else that this process does. Where it
   * was while the file was made, it is begun anew.
   */
  const guarded = async <T>(act: () => T): Promise<T> => {
    const until = performance.now() + BUSY_MS;
    for (;;) {
      try {
        return act();
      } catch (error) {
        if (!isBusy(error) || performance.now() >= until)
          throw new LedgerUnavailable(`${url}: ${(error as Error).message}`, { cause: error });
        if (!prepared) shut();
        await setTimeout(BUSY_PAUSE_MS);
      }
    }
  };
  const isAlive = ({ expires, ms, clock: named }: LeaseRow) => {
    const now = named === 'uptime' ? uptime() : Date.now();
    return expires > now && expires <= now + ms + SLACK_MS;
  };
  const leasesOf = (at: DatabaseSync, cluster: string) => {
    const leases = at.prepare('SELECT * FROM skewgate_lease WHERE cluster = ?').all(cluster);
    return leases as unknown as LeaseRow[];
  };
  const aliveOf = (at: DatabaseSync, cluster: string) =>
    new Set(
      leasesOf(at, cluster)
        .filter(isAlive)
        .map(({ token }) => token),
    );
  const grant = (at: DatabaseSync, cluster: string, token: number, ms: number) => {
    const named = at.prepare("SELECT 1 FROM pragma_table_info('skewgate_lease') WHERE name = 'clock'").get();
    if (named === undefined) at.exec(NAME_CLOCK);
    at.prepare('INSERT OR REPLACE INTO skewgate_lease VALUES (?, ?, ?, ?, ?)').run(
      cluster,
      token,
      uptime() + ms,
      ms,
      'uptime',
    );
  };
  /** One writer at a time, from the first read on. */
  const transact = <T>(at: DatabaseSync, act: () => T): T => {
    at.exec('BEGIN IMMEDIATE');
    try {
      const result = act();
      at.exec('COMMIT');
      return result;
    } catch (error) {
      at.exec('ROLLBACK');
      throw error;
    }
  };
  const rowOf = (at: DatabaseSync, cluster: string) =>
    at.prepare('SELECT revision, record FROM skewgate_ledger WHERE cluster = ?').get(cluster) as
      | { revision: number; record: string }
      | undefined;
  const revisionOf = (cluster: string) => {
    const at = openToRead();
    return at === null ? '0' : String(rowOf(at, cluster)?.revision ?? 0);
  };

  return {
    url,
    read: async (cluster) =>
      guarded(() => {
        const at = openToRead();
        if (at === null) return { revision: '0', text: null, alive: new Set() };
        const row = rowOf(at, cluster);
        const alive = aliveOf(at, cluster);
        return { revision: String(row?.revision ?? 0), text: row?.record ?? null, alive };
      }),
    swap: async (cluster, swap) =>
      guarded(() => {
        const at = openToWrite();
        return transact(at, () => {
          const revision = rowOf(at, cluster)?.revision ?? 0;
          if (String(revision) !== swap.expect) return false;
          if (swap.guard !== undefined && !aliveOf(at, cluster).has(swap.guard)) return false;
          if (swap.vacant !== undefined && aliveOf(at, cluster).has(swap.vacant)) return false;
          at.prepare('INSERT OR REPLACE INTO skewgate_ledger VALUES (?, ?, ?)').run(
            cluster,
            revision + 1,
            swap.text,
          );
          const append = at.prepare('INSERT INTO skewgate_history (cluster, entry) VALUES (?, ?)');
          for (const entry of swap.history) append.run(cluster, JSON.stringify(entry));
          if (swap.grant) {
            at.prepare('DELETE FROM skewgate_lease WHERE cluster = ?').run(cluster);
            grant(at, cluster, swap.grant.token, swap.grant.ms);
          }
          if (swap.drop !== undefined)
            at.prepare('DELETE FROM skewgate_lease WHERE cluster = ? AND token = ?').run(cluster, swap.drop);
          return true;
        });
      }),
    renew: async (cluster, token, ms) =>
      guarded(() => {
        if (openToRead() === null) return false;
        const at = openToWrite();
        return transact(at, () => {
          if (!aliveOf(at, cluster).has(token)) return false;
          grant(at, cluster, token, ms);
          return true;
        });
      }),
    history: async (cluster) =>
      guarded(() => {
        const at = openToRead();
        if (at === null) return [];
        const rows = at
          .prepare('SELECT entry FROM skewgate_history WHERE cluster = ? ORDER BY seq')
          .all(cluster);
        return rows.map((row) => JSON.parse(String(row.entry)) as HistoryEntry);
      }),
    watch(cluster, changed) {
      let last: string | null = null;
      let stopped = false;
      let timer: Timer | null = null;
      const look = () => {
        if (stopped) return;
        try {
          const revision = revisionOf(cluster);
          if (last !== null && revision !== last) changed();
          last = revision;
        } catch {
          changed();
        }
        timer = clock.after(POLL_MS, look);
      };
      look();
      return () => {
        stopped = true;
        timer?.cancel();
      };
    },
    async close() {
      shut();
    },
  };
}
