/**
 * The first eight bytes each side sends: a magic that no HTTP or TLS client begins with, and the range of
 * protocol revisions the sender speaks. Layout: proto/README.md, "Preface".
 */
/** The four bytes that no HTTP or TLS client begins with. */
export const MAGIC = Uint8Array.of(0xf5, 0x53, 0x4b, 0x47);
/** Bytes: the magic, the range of revisions, and two that are reserved. */
export const PREFACE_LENGTH = 8;

/** A range of protocol revisions, both ends included. */
export interface Revisions {
  readonly min: number;
  readonly max: number;
}

/** The revisions that this code speaks. */
export const REVISIONS: Revisions = { min: 1, max: 1 };

/** The eight bytes that each side sends first. */
export function encodePreface({ min, max }: Revisions = REVISIONS): Uint8Array {
  const preface = new Uint8Array(PREFACE_LENGTH);
  preface.set(MAGIC);
  preface[MAGIC.length] = min;
  preface[MAGIC.length + 1] = max;
  return preface;
}

export type PrefaceRead =
  | { readonly kind: 'more' }
  | { readonly kind: 'preface'; readonly revisions: Revisions }
  /** `speaks`: what the peer seems to be instead. */
  | { readonly kind: 'stray'; readonly speaks: 'http' | 'tls' | 'unknown' };

/** Reads a preface, or tells from the first bytes that there is none, without waiting for all eight of them. */
export function readPreface(bytes: Uint8Array): PrefaceRead {
  for (let at = 0; at < Math.min(bytes.length, MAGIC.length); at++)
    if (bytes[at] !== MAGIC[at])
      return { kind: 'stray', speaks: at === 0 ? guess(bytes[0] as number) : 'unknown' };
  if (bytes.length < PREFACE_LENGTH) return { kind: 'more' };
  const min = bytes[MAGIC.length] as number;
  const max = bytes[MAGIC.length + 1] as number;
  if (min > max || min === 0) return { kind: 'stray', speaks: 'unknown' };
  return { kind: 'preface', revisions: { min, max } };
}

/** By the first byte alone, so that the answer does not depend on how the bytes are cut. */
function guess(first: number): 'http' | 'tls' | 'unknown' {
  if (first === 0x16) return 'tls';
  // Every HTTP method in use, and HTTP/2's "PRI", begins with a capital letter.
  return first >= 0x41 && first <= 0x5a ? 'http' : 'unknown';
}

/** The highest revision both speak; null when there is none. */
export function agreeRevision(ours: Revisions, theirs: Revisions): number | null {
  const highest = Math.min(ours.max, theirs.max);
  return highest >= Math.max(ours.min, theirs.min) ? highest : null;
}
