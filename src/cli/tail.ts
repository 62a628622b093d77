/**
 * Whole lines of a file that may still grow, from its beginning: a line without its line break is not whole yet.
 * A file that is rotated meanwhile (FILE to FILE.1 and so on) is read to its end, then those after it, so that no
 * line is missed or seen twice.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';

const CHUNK = 65_536;
/** Names that may be missing in a row while files are being moved. */
const GAP = 2;

export class Tail {
  readonly #file: string;
  #handle: FileHandle;
  #position = 0;
  #rest: Buffer = Buffer.alloc(0);

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
    return this.#rest.toString();
  }

  /** Hands over the lines that are new since the last call. */
  async read(each: (line: string) => void): Promise<void> {
    for (;;) {
      await this.#drain(each);
      const next = await this.#next();
      if (next === null) return;
      // Nothing is written to a file that was moved; before that, more may have been.
      await this.#drain(each);
      await this.#handle.close();
      this.#handle = next;
      this.#position = 0;
      this.#rest = Buffer.alloc(0);
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #drain(each: (line: string) => void): Promise<void> {
    // Someone emptied it.
    if ((await this.#handle.stat()).size < this.#position) {
      this.#position = 0;
      this.#rest = Buffer.alloc(0);
    }
    const chunk = Buffer.alloc(CHUNK);
    for (;;) {
      const { bytesRead } = await this.#handle.read(chunk, 0, CHUNK, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      this.#split(chunk.subarray(0, bytesRead), each);
    }
  }

  #split(bytes: Buffer, each: (line: string) => void): void {
    const text = Buffer.concat([this.#rest, bytes]);
    let from = 0;
    for (let at = text.indexOf(0x0a); at >= 0; at = text.indexOf(0x0a, from)) {
      if (at > from) each(text.toString('utf8', from, at));
      from = at + 1;
    }
    this.#rest = text.subarray(from);
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
