/** Handshakes over time: how many of each code began in each span. */
import { clockOf, dayOf, type TimeZone } from '../log-lines.ts';
import { table } from '../print.ts';
import { printable } from '../printable.ts';
import { type Entry, textIn } from './entry.ts';

export interface Bucket {
  /** ms since the epoch. */
  readonly from: number;
  readonly admitted: number;
  readonly refused: number;
  /** Of those refused, how many with each code. */
  readonly codes: ReadonlyMap<string, number>;
}

interface Counts {
  admitted: number;
  refused: number;
  readonly codes: Map<string, number>;
}

/** Spans that are kept, at most: where `limit` is given they are doubled to stay below it. */
export class Buckets {
  #width: number;
  readonly #limit: number;
  #counts = new Map<number, Counts>();

  /** @param width ms of each span */
  constructor(width: number, limit = Number.POSITIVE_INFINITY) {
    this.#width = width;
    this.#limit = limit;
  }

  get width(): number {
    return this.#width;
  }

  add(entry: Entry): void {
    if (entry.event !== 'handshake') return;
    const counts = this.#at(Math.floor(entry.at / this.#width));
    const code = textIn(entry, 'code') ?? '';
    if (textIn(entry, 'verdict') === 'permit') counts.admitted++;
    else {
      counts.refused++;
      counts.codes.set(code, (counts.codes.get(code) ?? 0) + 1);
    }
    if (this.#counts.size > this.#limit) this.#double();
  }

  /** In the order of time; spans in which nobody came are left out. */
  list(): Bucket[] {
    return [...this.#counts]
      .sort(([a], [b]) => a - b)
      .map(([at, counts]) => ({ from: at * this.#width, ...counts }));
  }

  print(zone: TimeZone): string {
    const list = this.list();
    if (list.length === 0) return 'no handshakes';
    const rows = list.map(({ from, admitted, refused, codes }) => [
      `${dayOf(from, zone)} ${clockOf(from, zone).slice(0, 8)}`,
      String(admitted),
      String(refused),
      [...codes].map(([code, count]) => `${printable(code)} ${count}`).join(', '),
    ]);
    return table([['from', 'admitted', 'refused', 'why'], ...rows]);
  }

  json(): object[] {
    return this.list().map(({ from, admitted, refused, codes }) => ({
      from: new Date(from).toISOString(),
      admitted,
      refused,
      codes: Object.fromEntries(codes),
    }));
  }

  #at(index: number): Counts {
    const found = this.#counts.get(index);
    if (found !== undefined) return found;
    const fresh: Counts = { admitted: 0, refused: 0, codes: new Map() };
    this.#counts.set(index, fresh);
    return fresh;
  }

  #double(): void {
    const before = this.#counts;
    this.#counts = new Map();
    this.#width *= 2;
    for (const [index, { admitted, refused, codes }] of before) {
      const sum = this.#at(Math.floor(index / 2));
      sum.admitted += admitted;
      sum.refused += refused;
      for (const [code, count] of codes) sum.codes.set(code, (sum.codes.get(code) ?? 0) + count);
    }
  }
}
