/** Several processes' lines into one output: each line whole, and no faster than the output takes them. */
import type { Readable, Writable } from 'node:stream';

const NEWLINE = 0x0a;

/** Hands on what `from` says, whole lines at a time; a last one without its break stays unsaid. */
export function forwardLines(from: Readable, to: Writable): void {
  let rest: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      rest = Buffer.concat([rest, chunk]);
      return;
    }
    const lines = Buffer.concat([rest, chunk.subarray(0, end)]);
    rest = Buffer.from(chunk.subarray(end));
    if (to.write(lines)) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
}
