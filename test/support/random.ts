/** Seeded randomness: the same seed gives the same run. */
import { createSeeded as seeded } from '../../src/runtime/seeded.ts';

export { seeded };

/** `length` bytes that no compression or repetition would hide an error in. */
export function randomBytes(length: number, seed = 1): Buffer {
  const random = seeded(seed);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at);
  return bytes;
}
