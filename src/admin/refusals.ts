/** The refusals of the last hour, counted by their reason and by who has to move: so many reasons at most. */
import type { Decision, Move } from '../policy/types.ts';
import { printMinor, tryParseVersion } from '../version/version.ts';

/** Refusals with one reason. */
export interface RefusalCount {
  readonly code: Decision['code'];
  /** Null: nobody has to move. */
  readonly side: Move['side'] | null;
  readonly to: string | null;
  readonly who: readonly string[];
  /** The client's release line; null: its version was not read. */
  readonly line: string | null;
  readonly count: number;
  /** ms since the epoch. */
  readonly lastAt: number;
}

/** ms of a part of the hour: counts leave the hour part by part. */
const PART = 300_000;
const PARTS = 12;
const MOST = 500;
const MOST_NAMES = 20;

interface Entry extends Omit<RefusalCount, 'count' | 'who' | 'lastAt'> {
  readonly who: Set<string>;
  /** By the number of the part since the epoch. */
  readonly counts: Map<number, number>;
  lastAt: number;
}

/** Counts of refusals. */
export class RefusalCounts {
  /** Whose last one was latest is last. */
  readonly #entries = new Map<string, Entry>();

  /** @param now ms since the epoch */
  note({ code, move, client }: Decision, now: number): void {
    const version = client === null ? null : tryParseVersion(client);
    const line = version && printMinor(version);
    const side = move?.side ?? null;
    const to = move?.to ?? null;
    const key = JSON.stringify([code, side, to, line]);
    const fresh = {
      code,
      side,
      to,
      line,
      who: new Set<string>(),
      counts: new Map<number, number>(),
      lastAt: now,
    };
    const entry: Entry = this.#entries.get(key) ?? fresh;
    const part = Math.floor(now / PART);
    entry.counts.set(part, (entry.counts.get(part) ?? 0) + 1);
    entry.lastAt = now;
    for (const name of move?.who ?? []) if (entry.who.size < MOST_NAMES) entry.who.add(name);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > MOST) this.#entries.delete(this.#entries.keys().next().value as string);
  }

  /** The most frequent first. @param now ms since the epoch */
  list(now: number): RefusalCount[] {
    const oldest = Math.floor(now / PART) - PARTS + 1;
    for (const [key, { counts }] of this.#entries) {
      for (const part of counts.keys()) if (part < oldest) counts.delete(part);
      if (counts.size === 0) this.#entries.delete(key);
    }
    return Array.from(this.#entries.values(), ({ who, counts, ...entry }) => ({
      ...entry,
      who: [...who],
      count: counts.values().reduce((sum, count) => sum + count, 0),
    })).toSorted((one, other) => other.count - one.count);
  }
}
