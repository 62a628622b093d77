/** A set of small numbers that finds the next one round a circle, without walking those that are not in it. */
export class IndexSet {
  readonly #words: Uint32Array;
  #size = 0;

  /** @param limit numbers are below it */
  constructor(limit: number) {
    this.#words = new Uint32Array(Math.ceil(limit / 32));
  }

  get size(): number {
    return this.#size;
  }

  /** It must not be in the set. */
  add(index: number): void {
    this.#flip(index);
    this.#size++;
  }

  /** It must be in the set. */
  delete(index: number): void {
    this.#flip(index);
    this.#size--;
  }

  /** Every number of the set, from `first` up, then from 0. */
  *from(first: number): Generator<number, void> {
    yield* this.#between(first, this.#words.length * 32);
    yield* this.#between(0, first);
  }

  *#between(first: number, end: number): Generator<number, void> {
    for (let word = first >>> 5; word << 5 < end; word++) {
      let bits = this.#words[word] as number;
      if (word << 5 < first) bits &= -1 << (first & 31);
      for (; bits !== 0; bits &= bits - 1) {
        const index = (word << 5) + 31 - Math.clz32(bits & -bits);
        if (index >= end) return;
        yield index;
      }
    }
  }

  #flip(index: number): void {
    (this.#words[index >>> 5] as number) ^= 1 << (index & 31);
  }
}
