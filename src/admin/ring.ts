/** The last of something that goes on without end: so many, each with a number, oldest first. */
import { Changes } from '../ports/changes.ts';

/** An entry and its number; numbers grow by one. */
export interface Numbered<T> {
  readonly number: number;
  readonly value: T;
}

/** The last `size` entries of a sequence. */
export class Ring<T> {
  /** Told of each entry. */
  readonly changes = new Changes();
  readonly #size: number;
  readonly #entries: Numbered<T>[] = [];
  #last = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Number of the latest entry; 0: there was none. */
  get last(): number {
    return this.#last;
  }

  /** Number of the oldest entry that is kept; one more than `last` where none is. */
  get first(): number {
    return Math.max(1, this.#last - this.#size + 1);
  }

  push(value: T): void {
    const entry = { number: ++this.#last, value };
    this.#entries[this.#last % this.#size] = entry;
    this.changes.notify();
  }

  /** The entry of that number; null: it is not kept any more, or is yet to come. */
  at(number: number): Numbered<T> | null {
    const entry = this.#entries[number % this.#size];
    return entry?.number === number ? entry : null;
  }

  /** Entries from the latest back to the oldest that is kept, from before a number on. */
  *backwards(before = this.#last + 1): Generator<Numbered<T>> {
    for (let number = Math.min(before - 1, this.#last); number >= this.first; number--) {
      const entry = this.at(number);
      if (entry !== null) yield entry;
    }
  }
}
