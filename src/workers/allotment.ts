/**
 * One limit, divided among workers: who holds how much of it, and what is free. The sum never exceeds the limit, so
 * that it holds for all together whatever each of them does with its share.
 */

/** How much of a limit each worker holds, by its number. */
export class Allotment {
  readonly #workers: number;
  #limit: number;
  readonly #shares = new Map<number, number>();
  #step: number;
  #free: number;

  /** @param workers how many will share it */
  constructor(limit: number, workers: number) {
    this.#workers = workers;
    this.#limit = limit;
    this.#free = limit;
    this.#step = Math.floor(limit / (2 * workers));
  }

  /** What nobody holds. */
  get free(): number {
    return this.#free;
  }

  /** A worker begins: half of an even share, so that there is something left for whoever turns out to need it. */
  begin(worker: number): number {
    this.#shares.set(worker, 0);
    return this.#give(worker, this.#step);
  }

  /** More for a worker that has used up its share; 0: nothing is free. */
  more(worker: number): number {
    return this.#give(worker, Math.max(1, Math.floor(this.#step / 2)));
  }

  /** A worker gave some of its share back. */
  takeBack(worker: number, count: number): void {
    const share = this.#shares.get(worker) ?? 0;
    const given = Math.min(count, share);
    this.#shares.set(worker, share - given);
    this.#free += given;
  }

  /**
   * Another limit holds: each worker has the same part of it as of the one before.
   * @returns what each worker has more, by its number; negative: less
   */
  resize(limit: number): Map<number, number> {
    const before = this.#limit;
    this.#limit = limit;
    this.#step = Math.floor(limit / (2 * this.#workers));
    this.#free = limit;
    const more = new Map<number, number>();
    for (const [worker, share] of this.#shares) {
      const next = before === 0 ? 0 : Math.floor((share * limit) / before);
      more.set(worker, next - share);
      this.#shares.set(worker, next);
      this.#free -= next;
    }
    return more;
  }

  /** A worker is gone, and with it whatever it used its share for. */
  end(worker: number): void {
    this.takeBack(worker, this.#limit);
    this.#shares.delete(worker);
  }

  #give(worker: number, wanted: number): number {
    const share = this.#shares.get(worker);
    if (share === undefined) return 0;
    const given = Math.min(wanted, this.#free);
    this.#shares.set(worker, share + given);
    this.#free -= given;
    return given;
  }
}
