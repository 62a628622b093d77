/** Bytes cut into chunks: of one size, or at random places. */
import fc from 'fast-check';

export function chunksOf(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.slice(at * size, (at + 1) * size),
  );
}

/** Cuts after 1, 2, … of `sizes` bytes, over and over. */
export function chunksBy(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    chunks.push(bytes.slice(at, at + size));
    at += size;
  }
  return chunks;
}

/** Sizes for `chunksBy`: small ones often. */
export const chunkSizes = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5_000 })),
  { minLength: 1, maxLength: 12 },
);
