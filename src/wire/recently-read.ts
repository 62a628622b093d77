/**
 * What was read lately, by its bytes. Clients of one release mostly say the same hello, and a server says at each
 * connection what it said at the last: checking such a message costs many times what it takes to recognise it.
 */

/** Payloads kept; the next one begins anew, so that hellos that are all different cost little more than without this. */
const MOST = 256;

/** Values that were made of payloads, a bounded number of them. */
export class RecentlyRead {
  readonly #values = new Map<string, unknown>();
  readonly #longest: number;

  /** @param longest the longest payload that is kept, bytes */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** What was made of the same bytes; undefined if that is not known. */
  get(payload: Uint8Array): unknown {
    return payload.length > this.#longest ? undefined : this.#values.get(keyOf(payload));
  }

  /** Remembers what was made of these bytes, and freezes it, since several readers get it. */
  keep(payload: Uint8Array, value: unknown): void {
    deepFreeze(value);
    if (payload.length > this.#longest) return;
    if (this.#values.size >= MOST) this.#values.clear();
    this.#values.set(keyOf(payload), value);
  }
}

/** One character for each byte. */
function keyOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1');
}

/** Freezes a value and all that it is made of. */
export function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}
