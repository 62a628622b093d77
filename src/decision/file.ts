/**
 * An append-only file with rotation that neither stops its writer nor loses lines silently. Lines wait in
 * memory while the disk is slow; when the disk refuses (full, gone), they are kept up to a bound and tried again
 * every second; lines over the bound are counted, and the count is the first thing written when the disk is
 * back. Buffered: a crash of the process loses what the last write had not handed to the system. Durable: each
 * line is written and synced before `write` returns, unless the disk refuses.
 */
import fs from 'node:fs';
import type { Clock, Timer } from '../ports/clock.ts';

export interface FileOptions {
  readonly path: string;
  /** Bytes at which the file is moved to `path.1`. */
  readonly rotate: number;
  /** Rotated files kept. */
  readonly keep: number;
  readonly durable: boolean;
  /** Bytes of lines kept in memory. */
  readonly buffer: number;
  readonly clock: Clock;
  /** The line that says how many were lost. */
  readonly lostLine: (lost: number, since: number) => string;
  /** Called when the disk begins to refuse (with the error) and when it takes lines again (null). */
  readonly onTrouble: (error: Error | null) => void;
}

const RETRY_MS = 1_000;

export class LogFile {
  readonly #options: FileOptions;
  #fd: number;
  #size: number;
  #queue: Buffer[] = [];
  #queued = 0;
  #lost = 0;
  #lostSince = 0;
  #writing = false;
  #troubled = false;
  #retry: Timer | null = null;
  #idle: Array<() => void> = [];

  /** @throws if the file can't be opened: a gate that can't log from the start does not start. */
  constructor(options: FileOptions) {
    this.#options = options;
    this.#fd = fs.openSync(options.path, 'a');
    this.#size = fs.fstatSync(this.#fd).size;
  }

  /** Lines that found no room since the disk last took any. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#queued + bytes.length > this.#options.buffer) {
      if (this.#lost++ === 0) this.#lostSince = this.#options.clock.now();
      return;
    }
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    if (this.#options.durable) this.#writeSync();
    else if (!this.#writing && this.#retry === null) void this.#drain();
  }

  /** Resolves when the lines are out, or after one more failed try, which is reported as trouble. */
  async close(): Promise<void> {
    this.#cancelRetry();
    if (this.#writing) await new Promise<void>((resolve) => this.#idle.push(resolve));
    else if (this.#queue.length > 0) await this.#drain();
    this.#cancelRetry();
    fs.closeSync(this.#fd);
    const unwritten = this.#queue.length + this.#lost;
    if (unwritten > 0) this.#options.onTrouble(new Error(`${unwritten} records are lost`));
  }

  #cancelRetry(): void {
    this.#retry?.cancel();
    this.#retry = null;
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#queue.length > 0) {
        const batch = Buffer.concat(this.#queue);
        const written = await new Promise<number>((resolve, reject) =>
          fs.write(this.#fd, batch, (error, count) => (error ? reject(error) : resolve(count))),
        );
        this.#wrote(written);
      }
    } catch (error) {
      this.#refused(error as Error);
    } finally {
      this.#writing = false;
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #writeSync(): void {
    try {
      while (this.#queue.length > 0) this.#wrote(fs.writeSync(this.#fd, this.#queue[0] as Buffer));
      fs.fdatasyncSync(this.#fd);
    } catch (error) {
      this.#refused(error as Error);
    }
  }

  /** Takes `count` bytes off the queue; the rest of a line that was cut stays first. */
  #wrote(count: number): void {
    this.#size += count;
    this.#queued -= count;
    let left = count;
    while (left > 0) {
      const first = this.#queue[0] as Buffer;
      if (first.length > left) {
        this.#queue[0] = first.subarray(left);
        return;
      }
      left -= first.length;
      this.#queue.shift();
    }
    this.#recovered();
    // Only here, between two lines, may the file change.
    if (this.#size >= this.#options.rotate) this.#rotate();
  }

  #recovered(): void {
    if (this.#troubled) {
      this.#troubled = false;
      this.#options.onTrouble(null);
    }
    if (this.#lost === 0) return;
    const line = Buffer.from(this.#options.lostLine(this.#lost, this.#lostSince));
    this.#lost = 0;
    this.#queue.push(line);
    this.#queued += line.length;
  }

  #refused(error: Error): void {
    if (!this.#troubled) {
      this.#troubled = true;
      this.#options.onTrouble(error);
    }
    this.#retry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#retry = null;
      if (this.#options.durable) this.#writeSync();
      else void this.#drain();
    });
  }

  #rotate(): void {
    const { path, keep } = this.#options;
    const fresh = () => fs.openSync(path, 'a');
    if (keep === 0) fs.rmSync(path, { force: true });
    else {
      for (let at = keep - 1; at >= 1; at--)
        if (fs.existsSync(`${path}.${at}`)) fs.renameSync(`${path}.${at}`, `${path}.${at + 1}`);
      fs.renameSync(path, `${path}.1`);
    }
    const next = fresh();
    fs.closeSync(this.#fd);
    this.#fd = next;
    this.#size = 0;
  }
}
