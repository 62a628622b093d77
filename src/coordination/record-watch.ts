/** Follows a shared record: reads it when it changes and at a steady beat, and keeps what it said while out of reach. */
import type { Clock, Timer } from '../ports/clock.ts';
import type { Reading, SharedRecord } from './shared-record.ts';

export interface RecordWatchOptions<T extends object> {
  readonly record: SharedRecord<T>;
  readonly clock: Clock;
  /** ms between readings that nothing asks for. */
  readonly beat: () => number;
  /** Called after each reading, which is over when it is. */
  readonly read: (reading: Reading<T>) => void | Promise<void>;
  /** Called after each reading that failed. */
  readonly failed?: (error: Error) => void;
}

/** The latest that is known of a record. Readings that are asked for while one is under way are one more. */
export class RecordWatch<T extends object> {
  readonly #options: RecordWatchOptions<T>;
  #reading: Promise<void> | null = null;
  #again = false;
  #last: Reading<T> | null = null;
  #trouble: string | null = null;
  #timer: Timer | null = null;
  #unwatch = () => {};
  #stopped = false;

  constructor(options: RecordWatchOptions<T>) {
    this.#options = options;
  }

  /** What it said last; null: it was never read. */
  get last(): Reading<T> | null {
    return this.#last;
  }

  /** Why the last reading failed; null: it did not. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Resolves once the record was read, or turned out to be out of reach. */
  async start(): Promise<void> {
    this.#unwatch = this.#options.record.watch(() => void this.look());
    await this.look();
    this.#beat();
  }

  /** Reads it as it is now, or later. Never rejects. */
  async look(): Promise<void> {
    if (this.#reading !== null) {
      // The one under way may have been begun before what is to be seen was written.
      this.#again = true;
      return this.#reading;
    }
    this.#reading = this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Resolves once nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#unwatch();
    await this.#reading;
  }

  async #readAll(): Promise<void> {
    do {
      this.#again = false;
      await this.#read();
    } while (this.#again && !this.#stopped);
  }

  async #read(): Promise<void> {
    const { record, read, failed } = this.#options;
    try {
      const reading = await record.read();
      this.#last = reading;
      this.#trouble = null;
      await read(reading);
    } catch (error) {
      this.#trouble = (error as Error).message;
      failed?.(error as Error);
    }
  }

  #beat(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(this.#options.beat(), () => {
      void this.look().finally(() => this.#beat());
    });
  }
}
