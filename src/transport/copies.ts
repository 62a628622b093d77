/**
 * Copies of bytes that are on loan, for the time that the kernel needs to take them. Large ones go into buffers that
 * are used again, since getting fresh memory costs more than the copy. Reading into a buffer for each connection, which
 * needs no copy, was tried: it cost as much, and idle connections kept their buffers.
 */

/** Bytes of each buffer: no less than one read, and what a protocol puts before it. */
const BUFFER_BYTES = 262_144 + 64;
/** Copies up to here get memory of their own, which is no more than they need. */
export const SMALL_BYTES = 16_384;
/** Buffers that may be out at once, and that are kept. A peer which reads slowly holds one; the others make do without. */
const MAX_BUFFERS = 64;
const MAX_KEPT = 8;

const kept: Buffer[] = [];
let out = 0;

/** How many of the large buffers are out. */
export function copiesOut(): number {
  return out;
}

/** A copy, and what has to be called once its memory may change; undefined: its memory is its own. */
export interface Copy {
  readonly bytes: Buffer;
  readonly release: (() => void) | undefined;
}

/** Copies bytes. @param room bytes that are left free in front of them */
export function copyOf(bytes: Uint8Array, room = 0): Copy {
  const length = room + bytes.length;
  if (bytes.length <= SMALL_BYTES || length > BUFFER_BYTES || out === MAX_BUFFERS) {
    const copy = Buffer.allocUnsafe(length);
    copy.set(bytes, room);
    return { bytes: copy, release: undefined };
  }
  out++;
  const buffer = kept.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  buffer.set(bytes, room);
  return { bytes: buffer.subarray(0, length), release: () => giveBack(buffer) };
}

function giveBack(buffer: Buffer): void {
  out--;
  if (kept.length < MAX_KEPT) kept.push(buffer);
}
