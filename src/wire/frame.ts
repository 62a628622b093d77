/**
 * Frames: one byte of type, four of payload length (big endian), the payload. The reader takes chunks of any
 * size, checks the length as soon as the header is there, and lets its buffer grow with what has arrived, not
 * with what was announced. Layout: proto/README.md, "Frames".
 */
import { WireFault } from './fault.ts';
import { PREFACE_LENGTH, type PrefaceRead, readPreface } from './preface.ts';

/** Bytes of a frame's header: the type, and the length of the payload. */
export const HEADER_LENGTH = 5;
/** The longest payload of a frame, bytes. */
export const MAX_PAYLOAD = 65_536;

export interface Frame {
  readonly type: number;
  /** Part of what the reader holds: to be read, not kept. */
  readonly payload: Uint8Array;
}

/** One frame around a payload. @throws {RangeError} if the payload is longer than `MAX_PAYLOAD`. */
export function encodeFrame(type: number, payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_PAYLOAD)
    throw new RangeError(`a payload of ${payload.length} bytes is over the limit of ${MAX_PAYLOAD}`);
  const frame = Buffer.allocUnsafe(HEADER_LENGTH + payload.length);
  frame[0] = type;
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, HEADER_LENGTH);
  return frame;
}

const NOTHING = new Uint8Array(0);

/**
 * Finds frames in bytes that arrive in chunks of any size. A header that cannot be meant is a fault before any room
 * is made for its payload.
 */
export class FrameReader {
  #buffer: Uint8Array = NOTHING;
  #length = 0;
  readonly #isType: (type: number) => boolean;

  /** @param isType tells the frame types that this peer may send; any other is a fault at once */
  constructor(isType: (type: number) => boolean) {
    this.#isType = isType;
  }

  /** Bytes held and not yet taken. */
  get buffered(): number {
    return this.#length;
  }

  /** Takes the next bytes in; they are copied. */
  push(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, Math.min(this.#buffer.length * 2, MAX_PAYLOAD)));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  /** Takes the preface off the front once it is whole. */
  preface(): PrefaceRead {
    const read = readPreface(this.#buffer.subarray(0, this.#length));
    if (read.kind === 'preface') this.#drop(PREFACE_LENGTH);
    return read;
  }

  /** The next whole frame, or null until more bytes come. @throws {WireFault} */
  next(): Frame | null {
    if (this.#length === 0) return null;
    const type = this.#buffer[0] as number;
    if (!this.#isType(type)) throw new WireFault(`unexpected frame type 0x${type.toString(16)}`);
    if (this.#length < HEADER_LENGTH) return null;
    const length = new DataView(this.#buffer.buffer, this.#buffer.byteOffset).getUint32(1);
    if (length > MAX_PAYLOAD)
      throw new WireFault(`a frame of ${length} bytes is over the limit of ${MAX_PAYLOAD}`);
    if (this.#length < HEADER_LENGTH + length) return null;
    const payload = this.#buffer.subarray(HEADER_LENGTH, HEADER_LENGTH + length);
    this.#drop(HEADER_LENGTH + length);
    return { type, payload };
  }

  /** Hands over what came after the last frame, and holds nothing any more. */
  rest(): Uint8Array {
    const rest = this.#length === 0 ? NOTHING : new Uint8Array(this.#buffer.subarray(0, this.#length));
    this.#buffer = NOTHING;
    this.#length = 0;
    return rest;
  }

  #drop(count: number): void {
    this.#length -= count;
    // A handshake that is over keeps its reader, which then holds no memory.
    this.#buffer = this.#length === 0 ? NOTHING : this.#buffer.subarray(count);
  }
}
