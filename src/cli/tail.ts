/**
 * Whole lines of a file that may still grow, from its beginning: a line without its line break is not whole yet.
 * A file that is rotated meanwhile (FILE to FILE.1 and so on) is read to its end, then those after it, so that no
 * line is missed or seen twice.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { LineSplitter } from './log/line-splitter.ts';

const CHUNK = 65_536;
/** Names that may be missing in a row while files are being moved. */
const GAP = 2;

/** Reads one growing file; it has to be closed. */
export class Tail {
  readonly #file: string;
  #handle: FileHandle;
  #position = 0;
  #lines = new LineSplitter();

  private constructor(file: string, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  /** @throws if the file can't be opened. */
  static async open(file: string): Promise<Tail> {
    return new Tail(file, await open(file, 'r'));
  }

  /** What follows the last line break: the beginning of a line, or all there will be of it. */
  get rest(): string {
    return this.#lines.rest;
  }

  /**
   * The files that were rotated away before this one, oldest first, opened: what is in them came before what this
   * tail reads. Each has to be closed.
   */
  async older(): Promise<FileHandle[]> {
    const handles: FileHandle[] = [];
    const age = (await this.#age()) ?? 0;
    for (let at = age + 1, missing = 0; missing <= GAP; at++) {
      const handle = await open(this.#name(at), 'r').catch(() => null);
      missing = handle === null ? missing + 1 : 0;
      if (handle !== null) handles.unshift(handle);
    }
    return handles;
  }

  /** Which file it reads now, as a text that no other file has. */
  async identity(): Promise<string> {
    return identityOf(this.#handle);
  }

  /** Hands over the lines that are new since the last call. */
  async read(each: (line: string) => void): Promise<void> {
    for await (const lines of this.batches()) for (const line of lines) each(line);
  }

  /** The lines that are new since the last call, a chunk of the file at a time. */
  async *batches(): AsyncGenerator<string[]> {
    for (;;) {
      yield* this.#drain();
      const next = await this.#next();
      if (next === null) return;
      // Nothing is written to a file that was moved; before that, more may have been.
      yield* this.#drain();
      await this.#handle.close();
      this.#handle = next;
      this.#restart();
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async *#drain(): AsyncGenerator<string[]> {
    // Someone emptied it.
    if ((await this.#handle.stat()).size < this.#position) this.#restart();
    const chunk = Buffer.alloc(CHUNK);
    for (;;) {
      const { bytesRead } = await this.#handle.read(chunk, 0, CHUNK, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      yield this.#lines.push(chunk.subarray(0, bytesRead));
    }
  }

  #restart(): void {
    this.#position = 0;
    this.#lines = new LineSplitter();
  }

  /** The file written after this one, or null while this is the last. */
  async #next(): Promise<FileHandle | null> {
    const age = await this.#age();
    if (age === 0) return null;
    const next = await open(this.#name(age === null ? 0 : age - 1), 'r').catch(() => null);
    // It was moved once more meanwhile: that name may not be the next one's.
    if (next !== null && (await this.#age()) !== age) {
      await next.close();
      return this.#next();
    }
    return next;
  }

  /** 0: this is FILE; 1: FILE.1, and so on; null: it has no name any more. */
  async #age(): Promise<number | null> {
    const { ino } = await this.#handle.stat();
    for (let age = 0, missing = 0; missing <= GAP; age++) {
      const found = await stat(this.#name(age)).catch(() => null);
      if (found?.ino === ino) return age;
      missing = found === null ? missing + 1 : 0;
    }
    return null;
  }

  #name(age: number): string {
    return age === 0 ? this.#file : `${this.#file}.${age}`;
  }
}

/** Which file a handle reads, whatever it is called. */
export async function identityOf(handle: FileHandle): Promise<string> {
  const { dev, ino } = await handle.stat();
  return `${dev}:${ino}`;
}
