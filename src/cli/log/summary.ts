/** What a log comes to: who was admitted and who refused, why, and who must move. */
import { table } from '../print.ts';
import { printable } from '../printable.ts';
import { type Entry, moveIn, numberIn, textIn } from './entry.ts';

export interface SummaryRow {
  readonly verdict: string;
  readonly code: string;
  /** The client's version; null: no hello told it. */
  readonly client: string | null;
  readonly move: { readonly side: string; readonly to: string } | null;
  count: number;
  /** ISO 8601. */
  readonly first: string;
  last: string;
  /** What the first of them was told. */
  readonly message: string;
}

/** Clients choose what they call their version: beyond so many rows they are one. */
const MOST_ROWS = 1_000;
const OTHERS = 'others';

/** Counts entries as they come. */
export class Summary {
  readonly #rows = new Map<string, SummaryRow>();
  #lost = 0;

  add(entry: Entry): void {
    if (entry.event === 'log-lost') this.#lost += numberIn(entry, 'lost') ?? 0;
    if (entry.event !== 'handshake') return;
    const verdict = textIn(entry, 'verdict') ?? '';
    const code = textIn(entry, 'code') ?? '';
    const known = this.#row(verdict, code, textIn(entry, 'client'), entry);
    known.count++;
    known.last = entry.time;
  }

  /** Records that the log itself says are missing. */
  get lost(): number {
    return this.#lost;
  }

  /** The most frequent first. */
  rows(): SummaryRow[] {
    return [...this.#rows.values()].sort((a, b) => b.count - a.count);
  }

  total(verdict: string): number {
    return this.rows()
      .filter((row) => row.verdict === verdict)
      .reduce((sum, { count }) => sum + count, 0);
  }

  head(): string {
    const lost = this.#lost > 0 ? `; ${this.#lost} records of this log were lost` : '';
    return `${this.total('permit')} admitted, ${this.total('refuse')} refused${lost}`;
  }

  print(): string {
    const rows = this.rows();
    if (rows.length === 0) return this.head();
    const body = rows.map((row) =>
      [String(row.count), row.verdict, row.code, row.client ?? '?', moveOf(row)].map(printable),
    );
    return `${this.head()}\n\n${table([['count', 'verdict', 'code', 'client', 'who must move'], ...body])}`;
  }

  #row(verdict: string, code: string, client: string | null, entry: Entry): SummaryRow {
    const move = moveIn(entry);
    const key = JSON.stringify([verdict, code, client, move]);
    const found = this.#rows.get(key);
    if (found !== undefined) return found;
    if (this.#rows.size >= MOST_ROWS && client !== OTHERS)
      return this.#row(verdict, code, OTHERS, { ...entry, fields: {} });
    const message = textIn(entry, 'message') ?? '';
    const row = { verdict, code, client, move, count: 0, first: entry.time, last: entry.time, message };
    this.#rows.set(key, row);
    return row;
  }
}

/** `server to 4.15`; empty where nobody must move. */
export function moveOf({ move }: Pick<SummaryRow, 'move'>): string {
  return move === null ? '' : `${move.side} to ${move.to}`;
}
