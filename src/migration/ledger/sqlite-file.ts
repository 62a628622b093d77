/**
 * The file of a SQLite ledger: made by the first write, not by looking; let go when it was taken away or replaced;
 * waited for while another process has it locked.
 */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { isBusy } from '../../ports/busy.ts';
import { LedgerFormatError } from './record.ts';
import { LedgerUnavailable } from './store.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS skewgate_ledger (cluster TEXT PRIMARY KEY, revision INTEGER NOT NULL, record TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS skewgate_lease (cluster TEXT, token INTEGER, expires REAL NOT NULL, ms REAL NOT NULL, clock TEXT NOT NULL, PRIMARY KEY (cluster, token));
  CREATE TABLE IF NOT EXISTS skewgate_history (seq INTEGER PRIMARY KEY AUTOINCREMENT, cluster TEXT NOT NULL, entry TEXT NOT NULL);
`;
/** How long what is locked is waited for, ms. */
const BUSY_TIME = 5_000;
/** After how long what was locked is tried again, ms. */
const BUSY_PAUSE = 25;

/** Rights of a ledger that is made. */
const OWNER_ONLY = 0o600;

/** SQLITE_READONLY. */
const READ_ONLY = 8;
/** SQLite's primary result codes of what an operator can do something about. */
const CAUSES: ReadonlyMap<number, () => string> = new Map([
  [READ_ONLY, () => `the file can't be written by ${userName()}`],
  [10, () => 'the disk fails'],
  [11, () => 'the file is damaged'],
  [13, () => 'the disk is full'],
  [14, () => `the file can't be opened by ${userName()}`],
  [26, () => 'the file is no ledger, or is damaged'],
]);

/** Of a file that is no database, or not a whole one. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26]);

function codeOf(error: Error): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

/** What keeps a file from being read or written, in an operator's words where there are some; SQLite's come after. */
export function causeOf(error: Error): string {
  const cause = CAUSES.get(codeOf(error));
  return cause === undefined ? error.message : `${cause()} (${error.message})`;
}

/** A container's user may have a number and no name. */
function userName(): string {
  try {
    return `user ${userInfo().username}`;
  } catch {
    return `user ${process.getuid?.() ?? '?'}`;
  }
}

/** Makes an empty file for its owner alone, unless there is one; SQLite gives what it puts beside it the same rights. */
function makeOwned(file: string): void {
  try {
    closeSync(openSync(file, 'wx', OWNER_ONLY));
  } catch (error) {
    // What else is wrong with it SQLite says in its own words.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

/** One process's way to the file of a ledger. */
export class SqliteFile {
  readonly url: string;
  readonly #file: string;
  #open: { readonly db: DatabaseSync; readonly inode: number; readonly writable: boolean } | null = null;
  /** Whether the tables are known to be there. */
  #prepared = false;

  constructor(file: string) {
    this.#file = file;
    this.url = `sqlite:${file}`;
  }

  /** Opens it to be read, which leaves alone even what a killed process left behind. Null: there is nothing to read yet. */
  toRead(): DatabaseSync | null {
    const db = this.#opened(false);
    this.#prepared ||=
      db?.prepare("SELECT 1 FROM sqlite_master WHERE name = 'skewgate_history'").get() !== undefined;
    return this.#prepared ? db : null;
  }

  /** Opens it to be written, and makes folder, file and tables where they are missing. */
  toWrite(): DatabaseSync {
    mkdirSync(path.dirname(path.resolve(this.#file)), { recursive: true });
    const db = this.#opened(true) as DatabaseSync;
    if (this.#prepared) return db;
    db.exec('PRAGMA journal_mode = WAL');
    db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    this.#prepared = true;
    return db;
  }

  /**
   * Runs `act`, again while the file is locked: SQLite's own waiting would stop everything else that this process
   * does. Where the lock came while the file was made, opening it is begun anew.
   * @throws {LedgerUnavailable}
   * @throws {LedgerFormatError} if the file is damaged
   */
  async guard<T>(act: () => T): Promise<T> {
    const until = performance.now() + BUSY_TIME;
    for (;;) {
      try {
        return act();
      } catch (error) {
        // SQLite opens what it may not write to be read only, and never looks again: the next write opens it anew.
        if (codeOf(error as Error) === READ_ONLY) this.close();
        if (DAMAGED.has(codeOf(error as Error)))
          throw new LedgerFormatError(`${this.url}: ${causeOf(error as Error)}`);
        if (!isBusy(error) || performance.now() >= until)
          throw new LedgerUnavailable(`${this.url}: ${causeOf(error as Error)}`, { cause: error });
        if (!this.#prepared) this.close();
        await setTimeout(BUSY_PAUSE);
      }
    }
  }

  /** Runs `act` as the one writer, from its first read on: all of it is written, or nothing. */
  transact<T>(act: (db: DatabaseSync) => T): Promise<T> {
    return this.guard(() => {
      const db = this.toWrite();
      db.exec('BEGIN IMMEDIATE');
      try {
        const result = act(db);
        db.exec('COMMIT');
        return result;
      } catch (error) {
        // SQLite has rolled back by itself where the disk is full or fails.
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  close(): void {
    this.#open?.db.close();
    this.#open = null;
    this.#prepared = false;
  }

  /** A file that was taken away or replaced since it was opened is let go: everybody else uses the one of that name. */
  #opened(writable: boolean): DatabaseSync | null {
    const inode = statSync(this.#file, { throwIfNoEntry: false })?.ino;
    const open = this.#open;
    if (open !== null && (open.inode !== inode || (writable && !open.writable))) this.close();
    if (this.#open === null && inode === undefined && !writable) return null;
    if (this.#open === null) {
      if (inode === undefined) makeOwned(this.#file);
      const db = new DatabaseSync(this.#file, { timeout: 0, readOnly: !writable });
      this.#open = { db, inode: statSync(this.#file).ino, writable };
    }
    return this.#open.db;
  }
}
