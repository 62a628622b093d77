/**
 * The system tables of a simulated cluster: a level that its servers share, and what they remember of the claims that
 * they were asked under. In memory, or in a SQLite file for servers in several processes.
 */
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from '../ports/busy.ts';
import { type AskingLedger, ask, type Fence } from './fence.ts';

/** How long a file that others are making is waited for, and after how long it is tried again, ms. */
const BUSY_MS = 5_000;
const BUSY_PAUSE_MS = 25;

/** System tables as the servers that share them see them. Steps are fenced by the claims that they are asked for under. */
export interface Tables extends Fence {
  readonly level: number;
  /** Begins a step under `token` of `ledger`. @throws {StaleToken | ForeignToken} */
  begin(token: number, ledger?: string | null): void;
  /** @throws {StaleToken | ForeignToken} if that claim has been overtaken since `begin`. */
  complete(token: number, level: number, ledger?: string | null): void;
  close(): void;
}

/** Tables that vanish with the process, at `level`; share the object between servers of one cluster. */
export function createMemoryTables(level: number): Tables {
  let current = level;
  let fence: Fence = { token: 0, ledgers: [] };
  const check = (token: number, ledger: string | null = null) => {
    const asked = ask(fence, token, ledger);
    fence = asked.fence;
    if (asked.refusal !== null) throw asked.refusal;
  };
  return {
    get level() {
      return current;
    },
    get token() {
      return fence.token;
    },
    get ledgers() {
      return fence.ledgers;
    },
    begin: check,
    complete(token, next, ledger) {
      check(token, ledger);
      current = Math.max(current, next);
    },
    close() {},
  };
}

/** Opens `file`, or creates it with the tables at `level`. @throws if it is no such file. */
export function openTables(file: string, level: number): Tables {
  const db = made(file, level);
  const read = db.prepare('SELECT level, token, ledgers FROM system_tables JOIN asking_ledgers USING (id)');
  const write = db.prepare('UPDATE system_tables SET token = :token, level = max(level, :level)');
  const remember = db.prepare('UPDATE asking_ledgers SET ledgers = ?');
  const row = () => {
    const { ledgers, ...rest } = read.get() as { level: number; token: number; ledgers: string };
    return { ...rest, ledgers: JSON.parse(ledgers) as AskingLedger[] };
  };
  const check = (token: number, next: number, ledger: string | null = null) => {
    const { refusal } = inTransaction(db, () => {
      const asked = ask(row(), token, ledger);
      remember.run(JSON.stringify(asked.fence.ledgers));
      if (asked.refusal === null) write.run({ token, level: next });
      return asked;
    });
    if (refusal !== null) throw refusal;
  };
  return {
    get level() {
      return row().level;
    },
    get token() {
      return row().token;
    },
    get ledgers() {
      return row().ledgers;
    },
    begin: (token, ledger) => check(token, 0, ledger),
    complete: (token, next, ledger) => check(token, next, ledger),
    close: () => db.close(),
  };
}

/** Nobody else writes while `act` runs. */
function inTransaction<T>(db: DatabaseSync, act: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = act();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** SQLite does not wait where several make the file: it is begun anew. */
function made(file: string, level: number): DatabaseSync {
  for (const until = performance.now() + BUSY_MS; ; ) {
    const db = new DatabaseSync(file, { timeout: BUSY_MS });
    try {
      db.exec('PRAGMA journal_mode = WAL');
      db.exec(
        'CREATE TABLE IF NOT EXISTS system_tables (id INTEGER PRIMARY KEY CHECK (id = 1), level INTEGER, token INTEGER)',
      );
      // Beside the tables, since servers of earlier releases may share the file: they know the one table only.
      db.exec(
        'CREATE TABLE IF NOT EXISTS asking_ledgers (id INTEGER PRIMARY KEY CHECK (id = 1), ledgers TEXT NOT NULL)',
      );
      db.prepare('INSERT OR IGNORE INTO system_tables VALUES (1, ?, 0)').run(level);
      db.exec("INSERT OR IGNORE INTO asking_ledgers VALUES (1, '[]')");
      return db;
    } catch (error) {
      db.close();
      if (!isBusy(error) || performance.now() >= until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS);
    }
  }
}
