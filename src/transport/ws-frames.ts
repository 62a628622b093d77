/**
 * Frames of a WebSocket whose messages carry a stream of bytes (RFC 6455, 5), as the server reads and writes them. The
 * reader works in place: it takes the headers out of what was read and the mask off, so that one read gives one run
 * of bytes, whatever the sizes of the messages in it. It holds no more than a header or a control frame.
 */
import { isUtf8 } from 'node:buffer';
import { createRequire } from 'node:module';
import { type CloseReason, TEXT_REFUSED, TOO_LONG } from '../wire/close.ts';

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The longest header that is written, bytes: without a mask. */
export const MAX_HEADER = 10;
/** The most frames that one message may come in (proto/README.md). */
const MAX_FRAGMENTS = 16_384;
/** A close frame without a code counts as one with this (RFC 6455, 7.1.5). */
export const NO_STATUS = 1005;
/** Shorter payloads are unmasked here: the call would cost more. */
const SHORT = 48;

/** What the peer did against the rules, and what its close frame shall say. */
export interface FrameFault {
  readonly closeReason: CloseReason;
  /** A clause for people. */
  readonly fault: string;
}

const NOTHING = Buffer.alloc(0);

type Unmask = (bytes: Buffer, mask: Buffer) => void;
const unmaskLong: Unmask = loadUnmask();
const mask = Buffer.alloc(4);

/** Reads the frames of one client. What a read held stands in its fields until the next. */
export class FrameReader {
  /** The bytes of messages lie in `chunk` from `start` to `end`, those that came before the end. */
  chunk: Buffer = NOTHING;
  start = 0;
  end = 0;
  /** Up to here they belong to messages of which all is there; -1: no message came to its end. */
  whole = -1;
  /** The client said "no more" with an empty message; what it sends after that is dropped. */
  ended = false;
  /** Of the last ping of this read; null: there was none. */
  ping: Buffer | null = null;
  /** What the client's close frame says; nothing is read after it. */
  closed: CloseReason | null = null;
  /** Nothing is read after a fault. */
  fault: FrameFault | null = null;
  /** Payload of the current frame that is still to come, and its mask, turned to where that begins. */
  #left = 0;
  #mask = 0;
  /** The current frame is the last of its message. */
  #isLast = true;
  /** Bytes and frames of the current message; no frames: none has begun. */
  #length = 0;
  #frames = 0;
  /** A header, or a control frame, of which the rest is still to come. */
  #rest: Buffer | null = null;

  /**
   * Reads on.
   * @param bytes are changed
   * @param limit the longest message, bytes
   */
  read(bytes: Buffer, limit: number): void {
    this.chunk = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = null;
    this.start = this.end = 0;
    this.whole = -1;
    this.ping = null;
    const { length } = this.chunk;
    for (let at = 0; at < length && this.closed === null && this.fault === null; ) {
      const next = this.#left > 0 ? this.#payload(at) : this.#frame(at, limit);
      if (next === null) {
        this.#rest = Buffer.from(this.chunk.subarray(at));
        break;
      }
      at = next;
    }
  }

  /** Forgets the chunk, whose memory is somebody else's. */
  clear(): void {
    this.chunk = NOTHING;
  }

  /** @returns where the payload that is there ends */
  #payload(at: number): number {
    const { chunk } = this;
    const length = Math.min(this.#left, chunk.length - at);
    const end = at + length;
    unmask(chunk, at, end, this.#mask);
    this.#left -= length;
    this.#mask = turned(this.#mask, length);
    if (this.ended) return end;
    if (this.end === this.start) this.start = this.end = at;
    else if (this.end !== at) chunk.copyWithin(this.end, at, end);
    this.end += length;
    if (this.#left === 0 && this.#isLast) this.whole = this.end;
    return end;
  }

  /** @returns where the header ends, or the whole of a control frame; null: it is not all there */
  #frame(at: number, limit: number): number | null {
    const { chunk } = this;
    if (chunk.length - at < 2) return null;
    const [first, second] = [chunk[at] as number, chunk[at + 1] as number];
    const broken = this.#brokenRule(first, second);
    if (broken !== null) return this.#fail(broken, 1002, at);
    const short = second & 0x7f;
    const maskAt = at + 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    if (chunk.length < maskAt + 4) return null;
    const length =
      short < 126 ? short : short === 126 ? chunk.readUInt16BE(at + 2) : longLength(chunk, at + 2);
    this.#mask = chunk.readUInt32BE(maskAt);
    if ((first & 0x0f) > 7) return this.#control(first & 0x0f, maskAt + 4, length);
    if ((first & 0x0f) === OPCODES.text) return this.#text(maskAt + 4, length);
    return this.#data(first >= 0x80, maskAt + 4, length, limit);
  }

  #data(isLast: boolean, at: number, length: number, limit: number): number {
    this.#length += length;
    this.#frames++;
    if (this.#length > limit) {
      this.fault = { closeReason: TOO_LONG, fault: `a message of more than ${limit} bytes` };
      return at;
    }
    if (this.#frames > MAX_FRAGMENTS) return this.#fail('Too many message fragments', 1008, at);
    this.#left = length;
    this.#isLast = isLast;
    if (isLast) this.#endMessage();
    return at;
  }

  #endMessage(): void {
    if (this.#length === 0) this.ended = true;
    if (this.#left === 0) this.whole = this.end;
    this.#length = 0;
    this.#frames = 0;
  }

  #control(opcode: number, at: number, length: number): number | null {
    const end = at + length;
    if (this.chunk.length < end) return null;
    unmask(this.chunk, at, end, this.#mask);
    const payload = this.chunk.subarray(at, end);
    if (opcode === OPCODES.ping) this.ping = Buffer.from(payload);
    if (opcode === OPCODES.close) this.#close(payload, end);
    return end;
  }

  #close(payload: Buffer, end: number): void {
    if (payload.length === 0) {
      this.closed = { code: NO_STATUS, reason: '' };
      return;
    }
    const code = payload.readUInt16BE(0);
    const reason = payload.subarray(2);
    if (!isCloseCode(code)) this.#fail(`Invalid WebSocket frame: invalid status code ${code}`, 1002, end);
    else if (!isUtf8(reason)) this.#fail('Invalid WebSocket frame: invalid UTF-8 sequence', 1007, end);
    else this.closed = { code, reason: reason.toString() };
  }

  /** Text is refused whatever it says; where all of it is there, it is at least looked whether it is text. */
  #text(at: number, length: number): number {
    const end = at + length;
    const isWhole = end <= this.chunk.length;
    if (isWhole) unmask(this.chunk, at, end, this.#mask);
    if (isWhole && !isUtf8(this.chunk.subarray(at, end)))
      return this.#fail('Invalid WebSocket frame: invalid UTF-8 sequence', 1007, at);
    this.fault = { closeReason: TEXT_REFUSED, fault: 'a text message: this port takes binary messages' };
    return at;
  }

  /** What two bytes of a header say that they must not (RFC 6455, 5.2, 5.4, 5.5); null: nothing. */
  #brokenRule(first: number, second: number): string | null {
    const opcode = first & 0x0f;
    const length = second & 0x7f;
    const isWithin = this.#frames > 0;
    let rule: string | null = null;
    if ((first & 0x30) !== 0) rule = 'RSV2 and RSV3 must be clear';
    else if ((first & 0x40) !== 0) rule = 'RSV1 must be clear';
    else if (!IS_OPCODE[opcode] || (opcode < 8 && isWithin !== (opcode === OPCODES.continuation)))
      rule = `invalid opcode ${opcode}`;
    else if (opcode > 7 && first < 0x80) rule = 'FIN must be set';
    else if (opcode > 7 && (length > 125 || (opcode === OPCODES.close && length === 1)))
      rule = `invalid payload length ${length}`;
    else if (second < 0x80) rule = 'MASK must be set';
    return rule === null ? null : `Invalid WebSocket frame: ${rule}`;
  }

  #fail(message: string, code: number, at: number): number {
    this.fault = { closeReason: { code, reason: '' }, fault: `no valid WebSocket (${message})` };
    return at;
  }
}

const IS_OPCODE = [true, true, true, false, false, false, false, false, true, true, true];

/** Codes that may be sent (RFC 6455, 7.4): those assigned to protocols, and those for libraries and applications. */
function isCloseCode(code: number): boolean {
  const isAssigned = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
  return isAssigned || (code >= 3000 && code <= 4999);
}

/** Beyond what a number can say it is longer than any limit all the same. */
function longLength(chunk: Buffer, at: number): number {
  return chunk.readUInt32BE(at) * 2 ** 32 + chunk.readUInt32BE(at + 4);
}

/** The mask for the byte after the next `length` ones. */
function turned(key: number, length: number): number {
  const bits = (length & 3) * 8;
  return bits === 0 ? key : ((key << bits) | (key >>> (32 - bits))) >>> 0;
}

function unmask(chunk: Buffer, from: number, to: number, key: number): void {
  if (key === 0) return;
  if (to - from >= SHORT) {
    mask.writeUInt32BE(key);
    return unmaskLong(chunk.subarray(from, to), mask);
  }
  for (let at = from, shift = 24; at < to; at++, shift = (shift - 8) & 31)
    chunk[at] = (chunk[at] as number) ^ (key >>> shift);
}

/** Native where that is installed, as in `ws`. */
function loadUnmask(): Unmask {
  try {
    return (createRequire(import.meta.url)('bufferutil') as { unmask: Unmask }).unmask;
  } catch {
    return (bytes, key) => {
      for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] as number) ^ (key[at & 3] as number);
    };
  }
}

/** Writes a frame's header to the front of `target`; the payload is the last of its message, and not masked. @returns its length */
export function writeHeader(target: Buffer, opcode: number, length: number): number {
  target[0] = 0x80 | opcode;
  if (length < 126) {
    target[1] = length;
    return 2;
  }
  if (length < 65_536) {
    target[1] = 126;
    target.writeUInt16BE(length, 2);
    return 4;
  }
  target[1] = 127;
  target.writeUInt32BE(0, 2);
  target.writeUInt32BE(length, 6);
  return MAX_HEADER;
}

/** Bytes of the header of a frame with a payload of that length. */
export function headerLength(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : MAX_HEADER;
}

/** A whole frame. */
export function frameOf(opcode: number, payload: Uint8Array): Buffer {
  const header = headerLength(payload.length);
  const frame = Buffer.allocUnsafe(header + payload.length);
  writeHeader(frame, opcode, payload.length);
  frame.set(payload, header);
  return frame;
}

/** What a close frame carries. */
export function closePayload({ code, reason }: CloseReason): Buffer {
  if (code === NO_STATUS) return NOTHING;
  const payload = Buffer.allocUnsafe(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}
