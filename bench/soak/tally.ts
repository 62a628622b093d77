/** What the clients of a soak saw since the last sample. */

/** Latencies in ms. */
export interface Interval {
  readonly connects: readonly number[];
  readonly echoes: readonly number[];
  readonly admitted: number;
  readonly refused: number;
  readonly megabytes: number;
}

/** Faults that are kept word by word; of more, only how many. */
const KEPT = 1_000;

/** Latencies are for one sample, faults for good: each with when it was, to be looked up in the decision log. */
export class Tally {
  readonly faults: string[] = [];
  #faultCount = 0;
  #connects: number[] = [];
  #echoes: number[] = [];
  #refused = 0;
  #bytes = 0;

  connected(ms: number): void {
    this.#connects.push(ms);
  }

  echoed(ms: number): void {
    this.#echoes.push(ms);
  }

  refused(): void {
    this.#refused++;
  }

  carried(bytes: number): void {
    this.#bytes += bytes;
  }

  fault(what: string, error: unknown): void {
    this.#faultCount++;
    if (this.faults.length < KEPT)
      this.faults.push(`${new Date().toISOString()} ${what}: ${(error as Error)?.message ?? error}`);
  }

  get faultCount(): number {
    return this.#faultCount;
  }

  /** What was seen since the last call. */
  take(): Interval {
    const interval = {
      connects: this.#connects,
      echoes: this.#echoes,
      admitted: this.#connects.length,
      refused: this.#refused,
      megabytes: this.#bytes / 1e6,
    };
    this.#connects = [];
    this.#echoes = [];
    this.#refused = 0;
    this.#bytes = 0;
    return interval;
  }
}
