/**
 * An append-only file with rotation that neither stops its writer nor loses lines silently. Lines wait in
 * memory while the disk is slow; when the disk refuses (full, gone), they are kept up to a bound and tried again
 * every second; lines over the bound are counted, and the count is written as soon as the disk takes lines again.
 *
 * What a crash may lose. Buffered: if the process dies, the lines that wait in memory (of the last
 * milliseconds, or more while the disk is slow); if the machine dies, also what its system had not put on the
 * disk yet. Durable: nothing, since each line is written and synced before `write` returns, unless the disk
 * refuses; a slow disk then slows the writer. In both cases the last line may be torn; the next start leaves it
 * as it is and begins a new line.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Prepared } from '../ports/prepared.ts';

/** What may change while the file is written to. */
export interface FileRules {
  readonly path: string;
  /** Bytes at which the file is moved to `path.1`. */
  readonly rotate: number;
  /** Rotated files kept. */
  readonly keep: number;
  readonly durable: boolean;
  /** Bytes of lines kept in memory. */
  readonly buffer: number;
}

export interface FileOptions extends FileRules {
  readonly clock: Clock;
  /** The line that says how many were lost. */
  readonly lostLine: (lost: number, since: number) => string;
  /**
   * Called when the disk begins to refuse (with the error), when it takes lines again (null), when the file can't
   * be rotated and grows on, and when it is closed with lines unwritten.
   * @param path of the file that it is about
   */
  readonly onError: (error: Error | null, kept: boolean, path: string) => void;
}

/** Of a log that is made, less what the umask takes: records name clients, and whoever ships them is in the group. */
const RIGHTS = 0o640;
const RETRY_MS = 1_000;
/** From the beginning of one write to the next, while lines come all the time. */
const GATHER_MS = 5;
const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = fs.constants;

/** One log file that is appended to and rotated. Its promises are those at the top of this module. */
export class LogFile {
  readonly #options: FileOptions;
  #rules: FileRules;
  #regular = false;
  #fd = -1;
  #size = 0;
  /** Size at which to rotate. */
  #limit = 0;
  #queue: Buffer[] = [];
  #queued = 0;
  #lost = 0;
  #lostInAll = 0;
  #lostSince = 0;
  /** A write is under way, or begins at the end of this turn. */
  #writing = false;
  /** Set for a while after a write began: lines that come meanwhile wait for its end. */
  #gathering: Timer | null = null;
  #failing = false;
  #closed = false;
  #retry: Timer | null = null;
  #idle: Array<() => void> = [];
  /** The line of which a part is written, as a whole. */
  #cut: Buffer | null = null;
  /** What it is to go on with once no write is under way. */
  #next: { readonly fd: number; readonly rules: FileRules } | null = null;

  /** @throws if the file can't be opened: a gate that can't log from the start does not start. */
  constructor(options: FileOptions) {
    this.#options = options;
    this.#rules = options;
    this.#goOnWith(fs.openSync(options.path, 'a+', RIGHTS), options);
  }

  /**
   * Opens the file again, perhaps another one: what waits to be written goes there. Somebody has moved the one that is
   * open, or a reload changes what is said of it.
   * @throws if it can't be opened; nothing has changed then
   */
  reopen(change: Partial<FileRules> = {}): Prepared {
    const rules = { ...this.#rules, ...change };
    const fd = fs.openSync(rules.path, 'a+', RIGHTS);
    return {
      commit: () => {
        if (this.#closed) return fs.closeSync(fd);
        if (this.#next !== null) fs.closeSync(this.#next.fd);
        this.#next = { fd, rules };
        if (!this.#writing) this.#change();
      },
      abandon: () => fs.closeSync(fd),
    };
  }

  /** Lines that found no room since the disk last took any. */
  get lost(): number {
    return this.#lost;
  }

  /** Lines that were lost since it was opened. */
  get lostInAll(): number {
    return this.#lostInAll;
  }

  /** Takes a line with its break. It never throws: a line that finds no room is counted as lost. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#closed || this.#queued + bytes.length > this.#rules.buffer) {
      this.#lostInAll++;
      if (this.#lost++ === 0) this.#lostSince = this.#options.clock.now();
      if (this.#closed) this.#tell(new Error('a record came after the log was closed and is lost'));
      return;
    }
    this.#put(bytes);
    if (this.#rules.durable) this.#writeSync();
    else this.#goOn();
  }

  /** Resolves when the lines are out, or after one more failed try, which is reported as lastError. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#writing) await this.#written();
    this.#cancelRetry();
    if (this.#queue.length === 0) this.#sayLost();
    while (this.#queue.length > 0 && this.#retry === null) {
      if (this.#writing) await this.#written();
      else if (this.#rules.durable) this.#writeSync();
      else await this.#drain();
    }
    this.#closed = true;
    this.#cancelRetry();
    this.#cancelGathering();
    fs.closeSync(this.#fd);
    const unwritten = this.#queue.length + this.#lost;
    this.#lostInAll += this.#queue.length;
    if (unwritten > 0) this.#tell(new Error(`closed with ${unwritten} records unwritten, which are lost`));
  }

  #tell(error: Error | null, kept = false): void {
    this.#options.onError(error, kept, this.#rules.path);
  }

  /** A line of which a part is written is written anew: the file that was left has a torn one. */
  #change(): void {
    if (this.#next === null) return;
    const { fd, rules } = this.#next;
    this.#next = null;
    const left = this.#fd;
    if (this.#cut !== null) {
      this.#queued += this.#cut.length - (this.#queue[0] as Buffer).length;
      this.#queue[0] = this.#cut;
      this.#cut = null;
    }
    this.#cancelRetry();
    this.#goOnWith(fd, rules);
    fs.closeSync(left);
    if (rules.durable) this.#writeSync();
    else this.#goOn();
  }

  /** Looked at only now, when no write is under way: the file may be the one that was written to. */
  #goOnWith(fd: number, rules: FileRules): void {
    const found = fs.fstatSync(fd);
    this.#rules = rules;
    this.#fd = fd;
    // A pipe or a device (/dev/null) is never moved.
    this.#regular = found.isFile();
    this.#size = found.size;
    this.#limit = rules.rotate;
    if (this.#regular && this.#size > 0 && !endsWithBreak(fd, this.#size)) this.#putFirst(Buffer.from('\n'));
    if (this.#regular && rules.durable) syncFolder(rules.path);
  }

  #putFirst(bytes: Buffer): void {
    this.#queue.unshift(bytes);
    this.#queued += bytes.length;
  }

  #put(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#queued += bytes.length;
  }

  #written(): Promise<void> {
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #cancelRetry(): void {
    this.#retry?.cancel();
    this.#retry = null;
  }

  /**
   * One write takes all lines of a turn of the event loop; under load, those of `GATHER_MS`, since handing a write to
   * the system's threads costs as much as making several records.
   */
  #drainSoon(): void {
    if (this.#gathering !== null && this.#queued < this.#rules.buffer / 2) return;
    this.#writing = true;
    setImmediate(() => void this.#drain());
  }

  #gather(): void {
    this.#cancelGathering();
    this.#gathering = this.#options.clock.after(GATHER_MS, () => {
      this.#gathering = null;
      this.#goOn();
    });
  }

  #cancelGathering(): void {
    this.#gathering?.cancel();
    this.#gathering = null;
  }

  #goOn(): void {
    if (this.#queue.length > 0 && !this.#writing && this.#retry === null) this.#drainSoon();
  }

  /** Writes the lines that wait; those that come meanwhile are gathered for the next time. */
  async #drain(): Promise<void> {
    this.#writing = true;
    this.#gather();
    try {
      for (let due = this.#queued; due > 0; ) {
        const batch = this.#batch();
        const written = await new Promise<number>((resolve, reject) =>
          fs.write(this.#fd, batch, (error, count) => (error ? reject(error) : resolve(count))),
        );
        this.#wrote(written);
        due -= written;
      }
    } catch (error) {
      this.#refused(error as Error);
    } finally {
      this.#writing = false;
      this.#change();
      this.#goOn();
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Whole lines, no more than it takes to reach the size at which the file is rotated. */
  #batch(): Buffer {
    const room = this.#limit - this.#size;
    let bytes = 0;
    const over = this.#queue.findIndex((line) => {
      bytes += line.length;
      return bytes >= room;
    });
    return Buffer.concat(over < 0 ? this.#queue : this.#queue.slice(0, over + 1));
  }

  #writeSync(): void {
    try {
      while (this.#queue.length > 0) this.#wrote(fs.writeSync(this.#fd, this.#queue[0] as Buffer));
      if (this.#regular) fs.fdatasyncSync(this.#fd);
    } catch (error) {
      this.#refused(error as Error);
    }
  }

  /** Takes `count` bytes off the queue; the rest of a line that was cut stays first. */
  #wrote(count: number): void {
    this.#size += count;
    this.#queued -= count;
    let left = count;
    let whole = 0;
    for (const line of this.#queue) {
      if (line.length > left) break;
      left -= line.length;
      whole++;
    }
    if (whole > 0) this.#cut = null;
    this.#queue.splice(0, whole);
    if (left > 0) {
      this.#cut ??= this.#queue[0] as Buffer;
      this.#queue[0] = (this.#queue[0] as Buffer).subarray(left);
      return;
    }
    if (this.#failing) {
      this.#failing = false;
      this.#tell(null);
    }
    this.#sayLost();
    // Only here, between two lines, may the file change.
    if (this.#regular && this.#size >= this.#limit) this.#rotate();
  }

  #sayLost(): void {
    if (this.#lost === 0) return;
    const line = this.#options.lostLine(this.#lost, this.#lostSince);
    this.#lost = 0;
    this.#put(Buffer.from(line));
  }

  #refused(error: Error): void {
    if (!this.#failing) {
      this.#failing = true;
      this.#tell(error, true);
    }
    this.#cancelGathering();
    this.#retry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#retry = null;
      if (this.#rules.durable) this.#writeSync();
      else void this.#drain();
    });
  }

  #rotate(): void {
    const { path, rotate, durable } = this.#rules;
    try {
      const fd = this.#replace();
      fs.closeSync(this.#fd);
      this.#fd = fd;
      this.#size = 0;
      this.#limit = rotate;
      if (durable) syncFolder(path);
    } catch (error) {
      this.#limit = this.#size + rotate;
      this.#tell(new Error(`can't be rotated and grows on: ${(error as Error).message}`));
    }
  }

  /** Opens the file to go on with before it moves any: without one, all stays as it is. */
  #replace(): number {
    const { path, durable } = this.#rules;
    const next = `${path}.next`;
    const fd = fs.openSync(next, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, RIGHTS);
    try {
      if (durable) fs.fdatasyncSync(this.#fd);
      this.#shift();
      fs.renameSync(next, path);
      return fd;
    } catch (error) {
      fs.closeSync(fd);
      fs.rmSync(next, { force: true });
      throw error;
    }
  }

  /** FILE.1 to FILE.2 and so on, the oldest dropped, then FILE to FILE.1. */
  #shift(): void {
    const { path, keep } = this.#rules;
    for (let at = keep - 1; at >= 1; at--)
      if (fs.existsSync(`${path}.${at}`)) fs.renameSync(`${path}.${at}`, `${path}.${at + 1}`);
    if (keep > 0 && fs.existsSync(path)) fs.renameSync(path, `${path}.1`);
  }
}

function endsWithBreak(fd: number, size: number): boolean {
  const last = Buffer.alloc(1);
  fs.readSync(fd, last, 0, 1, size - 1);
  return last[0] === 0x0a;
}

/** A name is on the disk only once its folder is. */
function syncFolder(file: string): void {
  const fd = fs.openSync(path.dirname(file), 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
