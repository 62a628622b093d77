/** One question to several workers, and the wait for all of their answers; one that ends or says nothing has failed. */
import type { Clock } from '../ports/clock.ts';

/** The answers to one question. */
export class Answers {
  readonly #missing: Set<number>;
  readonly #all = Promise.withResolvers<string | null>();
  #failed: string | null = null;

  /** @param workers who was asked, by number. @param ms that they have */
  constructor(workers: readonly number[], clock: Clock, ms: number) {
    this.#missing = new Set(workers);
    const late = clock.after(ms, () => {
      for (const worker of [...this.#missing]) this.take(worker, `worker ${worker} did not answer`);
    });
    void this.#all.promise.then(() => late.cancel());
    if (workers.length === 0) this.#all.resolve(null);
  }

  /** Why the first that failed did; null: none did. Resolves once all have answered. */
  get all(): Promise<string | null> {
    return this.#all.promise;
  }

  /** The answer of one worker. @param error null: it can do what it was asked */
  take(worker: number, error: string | null): void {
    if (!this.#missing.delete(worker)) return;
    this.#failed ??= error;
    if (this.#missing.size === 0) this.#all.resolve(this.#failed);
  }
}
