/**
 * Lines out of chunks of bytes, in time and memory that grow with the bytes, however they are cut. A byte order mark
 * at the beginning is no part of the first line; of a line longer than any record, only the beginning is kept.
 */
const BREAK = 0x0a;
/** Bytes of a line that are kept: more than any record has. */
const LONGEST = 16 * 1_048_576;
const MARK = '\uFEFF';

/** Takes the chunks of one file or stream. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #kept = 0;
  #first = true;

  /** @returns the lines that this chunk ends, without their breaks; empty ones are left out */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(BREAK); at >= 0; at = chunk.indexOf(BREAK, from)) {
      this.#keep(chunk.subarray(from, at));
      const line = this.#take();
      if (line !== '') lines.push(line);
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  /** What follows the last line break: the beginning of a line, or all there will be of it. */
  get rest(): string {
    return this.#text();
  }

  #keep(bytes: Buffer): void {
    const part = bytes.subarray(0, LONGEST - this.#kept);
    if (part.length === 0) return;
    // A copy: whoever read the chunk reads the next one into the same memory.
    this.#parts.push(Buffer.from(part));
    this.#kept += part.length;
  }

  #take(): string {
    const line = this.#text();
    this.#parts = [];
    this.#kept = 0;
    this.#first = false;
    return line;
  }

  #text(): string {
    const text = Buffer.concat(this.#parts).toString();
    return this.#first && text.startsWith(MARK) ? text.slice(1) : text;
  }
}
