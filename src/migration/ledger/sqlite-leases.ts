/**
 * Leases in a SQLite ledger. They go by the time since the machine was started, which all its processes share and
 * nobody sets; one that reaches further into the future than it was granted for (from before the machine's last
 * start) has lapsed.
 */
import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/**
 * A file from before leases named their clock: those that it holds go by the time of day. From the first claim on, a
 * program that knows no better can't grant any more: it would take ours for lapsed.
 */
const NAME_CLOCK = "ALTER TABLE skewgate_lease ADD COLUMN clock TEXT NOT NULL DEFAULT 'day'";
/** What rounding may make of a lease, ms. */
const SLACK = 1_000;

/** A row; without a clock in a file from before they were named. */
interface LeaseRow {
  readonly token: bigint;
  readonly expires: number;
  readonly ms: number;
  readonly clock?: string;
}

/** Reads and writes the leases of a ledger's file, by a clock of the machine. */
export class SqliteLeases {
  readonly #uptime: () => number;

  /** @param uptime ms since the machine was started. */
  constructor(uptime: () => number) {
    this.#uptime = uptime;
  }

  /** The tokens whose leases are alive, and for how many ms. */
  alive(db: DatabaseSync, cluster: string): Map<number, number> {
    const query = db.prepare('SELECT * FROM skewgate_lease WHERE cluster = ?');
    query.setReadBigInts(true);
    const rows = query.all(cluster) as unknown as LeaseRow[];
    return new Map(
      rows
        .filter((row) => this.#isAlive(row))
        .map((row) => [Number(row.token), row.expires - this.#now(row)]),
    );
  }

  /** Begins a lease, or begins it anew. */
  grant(db: DatabaseSync, cluster: string, token: number, ms: number): void {
    const named = db.prepare("SELECT 1 FROM pragma_table_info('skewgate_lease') WHERE name = 'clock'").get();
    if (named === undefined) db.exec(NAME_CLOCK);
    db.prepare('INSERT OR REPLACE INTO skewgate_lease VALUES (?, ?, ?, ?, ?)').run(
      cluster,
      token,
      this.#uptime() + ms,
      ms,
      'uptime',
    );
  }

  /** Ends the lease of `token`; without one, all leases of the cluster. */
  end(db: DatabaseSync, cluster: string, token: number | null): void {
    db.prepare('DELETE FROM skewgate_lease WHERE cluster = ? AND (token = ? OR ? IS NULL)').run(
      cluster,
      token,
      token,
    );
  }

  #now({ clock }: LeaseRow): number {
    return clock === 'uptime' ? this.#uptime() : Date.now();
  }

  #isAlive(row: LeaseRow): boolean {
    const { expires, ms } = row;
    const now = this.#now(row);
    return expires > now && expires <= now + ms + SLACK;
  }
}

/**
 * A clock that tells ms since the machine was started. A container may have a time namespace of its own, which begins
 * at another time: what it adds is left out.
 */
export function machineUptime(): () => number {
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
