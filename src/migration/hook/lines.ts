/** Progress as hooks tell it: as lines of output, or as whatever code hands over. */
const MAX_TEXT = 512;

/** Progress as lines of text: `40%`, `40 % indexes`, `3/8 rewriting`, or any sentence. */
export function parseProgress(line: string): { done: number | null; text: string } {
  const text = line.trim().slice(0, MAX_TEXT);
  const percent = /^(\d{1,3}(?:\.\d+)?)\s*%\s*(.*)$/.exec(text);
  if (percent) return { done: Math.min(1, Number(percent[1]) / 100), text: percent[2] || text };
  const part = /^(\d{1,9})\s*\/\s*(\d{1,9})\b\s*(.*)$/.exec(text);
  if (part && Number(part[2]) > 0)
    return { done: Math.min(1, Number(part[1]) / Number(part[2])), text: part[3] || text };
  return { done: null, text };
}

/** Progress as code that nobody checked may tell it: a line, a share, or an object with either; never anything else. */
export function progressOf(told: unknown): { done: number | null; text: string } {
  if (typeof told === 'string') return parseProgress(told);
  if (typeof told === 'number') return { done: shareOf(told), text: '' };
  const { done, text } = (told ?? {}) as { done?: unknown; text?: unknown };
  return { done: shareOf(done), text: typeof text === 'string' ? text.slice(0, MAX_TEXT) : '' };
}

function shareOf(done: unknown): number | null {
  return typeof done === 'number' && !Number.isNaN(done) ? Math.min(1, Math.max(0, done)) : null;
}

/** Bytes. A line that reaches this length is passed over. */
const MAX_LINE = 4_096;
/** Of a chunk, the newest lines that are looked at: what came before them is out of date. */
const MAX_LINES = 16;

/** Finds lines in output that comes in chunks, at a cost that does not grow with what a chunk holds. */
export class LineReader {
  readonly #each: (line: string) => void;
  /** The beginning of the line that is not whole yet. */
  #held: Buffer = Buffer.alloc(0);

  constructor(each: (line: string) => void) {
    this.#each = each;
  }

  read(chunk: Buffer): void {
    const lines: Buffer[] = [];
    let end = chunk.lastIndexOf('\n');
    const rest = chunk.subarray(end + 1);
    while (end !== -1 && lines.length < MAX_LINES) {
      const start = end === 0 ? -1 : chunk.lastIndexOf('\n', end - 1);
      const line = chunk.subarray(start + 1, end);
      lines.unshift(start === -1 ? Buffer.concat([this.#held, line]) : line);
      end = start;
    }
    for (const line of lines) this.#tell(line);
    const begun = chunk.includes('\n') ? rest : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.from(begun.subarray(0, MAX_LINE));
  }

  /** What is left without an end is a line too. */
  end(): void {
    if (this.#held.length > 0) this.#tell(this.#held);
  }

  #tell(line: Buffer): void {
    if (line.length < MAX_LINE) this.#each(line.toString('utf8'));
  }
}
