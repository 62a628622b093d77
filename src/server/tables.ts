/**
 * The system tables of a simulated cluster: a level that its servers share, and the highest fencing token
 * they have seen. In memory, or in a SQLite file for servers in several processes.
 */
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from '../ports/busy.ts';

/** How long a file that others are making is waited for, and after how long it is tried again, ms. */
const BUSY_MS = 5_000;
const BUSY_PAUSE_MS = 25;

/** System tables as the servers that share them see them. Steps are fenced by tokens that only grow. */
export interface Tables {
  readonly level: number;
  /** The highest token seen; 0 for none. */
  readonly token: number;
  /** Begins a step under `token`. @throws {StaleToken} if a higher one was seen. */
  begin(token: number): void;
  /** @throws {StaleToken} if a higher token was seen since `begin`. */
  complete(token: number, level: number): void;
  close(): void;
}

/** Somebody began a step under a higher token: whoever holds this one has lost its claim. */
export class StaleToken extends Error {
  override readonly name = 'StaleToken';
  constructor(token: number, seen: number) {
    super(`token ${token} is stale: token ${seen} was seen`);
  }
}

/** Tables that vanish with the process, at `level`; share the object between servers of one cluster. */
export function createMemoryTables(level: number): Tables {
  let current = level;
  let seen = 0;
  const check = (token: number) => {
    if (token < seen) throw new StaleToken(token, seen);
    seen = token;
  };
  return {
    get level() {
      return current;
    },
    get token() {
      return seen;
    },
    begin: check,
    complete(token, next) {
      check(token);
      current = Math.max(current, next);
    },
    close() {},
  };
}

/** Opens `file`, or creates it with the tables at `level`. @throws if it is no such file. */
export function openTables(file: string, level: number): Tables {
  const db = made(file, level);
  const read = db.prepare('SELECT level, token FROM system_tables');
  const take = db.prepare('UPDATE system_tables SET token = :token WHERE token <= :token');
  const finish = db.prepare(
    'UPDATE system_tables SET token = :token, level = max(level, :level) WHERE token <= :token',
  );
  const row = () => read.get() as { level: number; token: number };
  const guard = (changes: number | bigint, token: number) => {
    if (Number(changes) === 0) throw new StaleToken(token, row().token);
  };
  return {
    get level() {
      return row().level;
    },
    get token() {
      return row().token;
    },
    begin: (token) => guard(take.run({ token }).changes, token),
    complete: (token, next) => guard(finish.run({ token, level: next }).changes, token),
    close: () => db.close(),
  };
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
      db.prepare('INSERT OR IGNORE INTO system_tables VALUES (1, ?, 0)').run(level);
      return db;
    } catch (error) {
      db.close();
      if (!isBusy(error) || performance.now() >= until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS);
    }
  }
}
