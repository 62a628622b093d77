/**
 * Where the replies of a Redis server end: framing of RESP2 and RESP3, and nothing else, without I/O and without
 * keeping a byte of them. What a server pushes unasked is no reply.
 */

/** How deep replies may lie in each other; no command of Redis comes near. */
const MAX_DEPTH = 64;
const LF = 0x0a;
const MAX_LINE = 32;

/** A byte that says what follows. */
const kinds = (text: string): ReadonlySet<number> => new Set(Buffer.from(text, 'latin1'));
const [LINES, BULKS, LISTS] = [kinds('+-:_#,('), kinds('$!='), kinds('*~>')] as const;
const [MAP, ATTRIBUTE, PUSH] = [0x25, 0x7c, 0x3e] as const;

/** Follows what one server sends, from the beginning of a reply on. */
export class ReplyFramer {
  /** Replies that ended so far. */
  replies = 0;
  /** Bytes of a bulk, with its end of line, that are still to come. */
  #skip = 0;
  /** The kind of the line that is being read; 0: none is. */
  #kind = 0;
  /** Its number, as far as it is read, and characters of it. */
  #number = 0;
  #negative = false;
  #length = 0;
  /** Of each list that is open: how many of its parts are still to come. */
  readonly #open: number[] = [];
  /** What the outermost value is. */
  #outermost = 0;
  #broken = false;

  /** Whether the last byte ended a reply, or a push. False for good once what came is no RESP. */
  get atBoundary(): boolean {
    return !this.#broken && this.#skip === 0 && this.#kind === 0 && this.#open.length === 0;
  }

  /** Whether what came is no RESP: nobody knows any more where replies end. */
  get isBroken(): boolean {
    return this.#broken;
  }

  /**
   * Follows the next bytes.
   * @param wanted stops once so many replies have ended
   * @returns how many bytes were looked at
   */
  receive(bytes: Uint8Array, wanted = Number.POSITIVE_INFINITY): number {
    let at = 0;
    while (at < bytes.length && this.replies < wanted && !this.#broken) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at);
        at += step;
        this.#skip -= step;
        if (this.#skip === 0) this.#ended();
      } else if (this.#kind === 0) this.#begin(bytes[at++] as number);
      else if (LINES.has(this.#kind)) at = this.#skipLine(bytes, at);
      else this.#digit(bytes[at++] as number);
    }
    return at;
  }

  #begin(kind: number): void {
    if (this.#open.length === 0) this.#outermost = kind;
    this.#kind = kind;
    this.#number = 0;
    this.#negative = false;
    this.#length = 0;
    const known = LINES.has(kind) || BULKS.has(kind) || LISTS.has(kind) || kind === MAP || kind === ATTRIBUTE;
    if (!known) this.#broken = true;
  }

  #skipLine(bytes: Uint8Array, at: number): number {
    const end = bytes.indexOf(LF, at);
    if (end < 0) return bytes.length;
    this.#kind = 0;
    this.#ended();
    return end + 1;
  }

  /** A character of a line that is a number. */
  #digit(byte: number): void {
    if (byte === LF) return this.#counted();
    if (byte >= 0x30 && byte <= 0x39) this.#number = this.#number * 10 + byte - 0x30;
    else if (byte === 0x2d && this.#length === 0) this.#negative = true;
    else if (byte !== 0x0d) this.#broken = true;
    if (++this.#length > MAX_LINE || !Number.isSafeInteger(this.#number * 2)) this.#broken = true;
  }

  #counted(): void {
    const kind = this.#kind;
    this.#kind = 0;
    // Of RESP2: a bulk or a list that is not there.
    if (this.#negative) return this.#ended();
    if (BULKS.has(kind)) {
      this.#skip = this.#number + 2;
      return;
    }
    // What an attribute belongs to follows it, and is part of the same reply.
    const parts = kind === MAP ? this.#number * 2 : kind === ATTRIBUTE ? this.#number * 2 + 1 : this.#number;
    if (parts === 0) return this.#ended();
    if (this.#open.length >= MAX_DEPTH) this.#broken = true;
    else this.#open.push(parts);
  }

  /** A value ended, and perhaps with it the lists that it was the last part of. */
  #ended(): void {
    const open = this.#open;
    while (open.length > 0) {
      const left = (open.pop() as number) - 1;
      if (left > 0) {
        open.push(left);
        return;
      }
    }
    if (this.#outermost !== PUSH) this.replies++;
  }
}
