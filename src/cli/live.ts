/** How something stands: in a terminal one line that changes in place, elsewhere a line for each thing that is new. */
import { paint } from './print.ts';
import { printable } from './printable.ts';

type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'> & NodeJS.WritableStream;

/** Of a terminal that does not say. */
const WIDTH = 80;
const CLEAR = '\r\x1b[K';

/** Shows one state as it changes. `end` takes the line off a terminal again. */
export class LiveLine {
  readonly #stream: Stream;
  #said = '';

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** @param words may be somebody else's, and tell the terminal nothing */
  show(words: string): void {
    const text = printable(words);
    if (text === this.#said) return;
    this.#said = text;
    const { isTTY, columns } = this.#stream;
    const line = paint('yellow', isTTY ? text.slice(0, (columns || WIDTH) - 1) : text, this.#stream);
    this.#stream.write(isTTY ? `${CLEAR}${line}` : `${line}\n`);
  }

  /** What comes next begins where the line was. */
  end(): void {
    if (this.#stream.isTTY && this.#said !== '') this.#stream.write(CLEAR);
    this.#said = '';
  }
}
