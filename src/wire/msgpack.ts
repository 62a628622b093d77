/**
 * MessagePack payloads: the subset that messages need (nil, booleans, numbers, strings, arrays, maps with
 * string keys other than `__proto__`), walked for sanity before msgpackr builds anything: no length may pass the end of the payload,
 * no nesting is deep, strings are UTF-8, nothing follows the value.
 */
import { Packr, RESET_BUFFER_MODE, Unpackr } from 'msgpackr';
import { WireFault } from './fault.ts';

const MAX_DEPTH = 8;
const packr = new Packr({ useRecords: false, variableMapSize: true });
const utf8 = new TextDecoder('utf-8', { fatal: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/** Encodes a value as MessagePack. The bytes are valid until the next call. */
export function encodeValue(value: unknown): Uint8Array {
  return packr.pack(value, RESET_BUFFER_MODE);
}

/** A value that is encoded once, to be part of many maps. */
export class Encoded {
  readonly bytes: Uint8Array;

  constructor(value: unknown) {
    this.bytes = new Uint8Array(encodeValue(value));
  }
}

/**
 * Encodes a map of up to 15 fields, whose values may have been encoded before; or what is encoded as a whole. The bytes
 * are valid until the next call.
 */
export function encodeMap(map: Readonly<Record<string, unknown>> | Encoded): Uint8Array {
  if (map instanceof Encoded) return map.bytes;
  const plain: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  for (const name in map) {
    const value = map[name];
    if (value instanceof Encoded) parts.push(keyOf(name), value.bytes);
    else plain[name] = value;
  }
  if (parts.length === 0) return encodeValue(map);
  const whole = Buffer.concat([encodeValue(plain), ...parts]);
  // The first byte of so small a map holds the number of its fields.
  whole[0] = (whole[0] as number) + parts.length / 2;
  return whole;
}

const keys = new Map<string, Uint8Array>();

function keyOf(name: string): Uint8Array {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const { bytes } = new Encoded(name);
  keys.set(name, bytes);
  return bytes;
}

/**
 * Decodes one value that fills the whole payload.
 * @throws {WireFault} if it is not of the subset described above
 */
export function decodeValue(payload: Uint8Array): unknown {
  const end = walk(payload, 0, 0);
  if (end !== payload.length) throw new WireFault('bytes follow the message in its frame');
  try {
    return unpackr.unpack(payload);
  } catch {
    throw new WireFault('the payload is not MessagePack');
  }
}

/** Where a value lies in a payload. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * Finds the value of a field in a payload that is a map.
 * @returns null where there is none, or not without doubt: nothing is lost but that it is not found
 * @throws {WireFault} as `decodeValue`
 */
export function findField(payload: Uint8Array, name: string): Place | null {
  const first = byteAt(payload, 0);
  if (first < 0x80 || first > 0x8f) return null;
  const key = Buffer.from(name);
  let found: Place | null = null;
  let position = 1;
  for (let entry = 0; entry < (first & 0x0f); entry++) {
    const start = walk(payload, position, 1);
    const end = walk(payload, start, 1);
    if (key.equals(payload.subarray(start - key.length, start))) {
      // Not the same field, twice the same one, or spelt as no encoder would.
      if (found !== null || start - position !== key.length + 1) return null;
      found = { start, end };
    }
    position = end;
  }
  return found;
}

/** The payload with nil in place of one of its values. */
export function withNil(payload: Uint8Array, { start, end }: Place): Uint8Array {
  const copy = Buffer.allocUnsafe(payload.length - (end - start) + 1);
  copy.set(payload.subarray(0, start));
  copy[start] = 0xc0;
  copy.set(payload.subarray(end), start + 1);
  return copy;
}

/** The position after the value at `at`. */
function walk(bytes: Uint8Array, at: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new WireFault(`values nest deeper than ${MAX_DEPTH}`);
  const first = byteAt(bytes, at);
  if (first <= 0x7f || first >= 0xe0) return at + 1;
  if (first <= 0x8f) return walkMap(bytes, at + 1, first & 0x0f, depth);
  if (first <= 0x9f) return walkArray(bytes, at + 1, first & 0x0f, depth);
  if (first <= 0xbf) return skipText(bytes, at + 1, first & 0x1f);
  switch (first) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return at + 1;
    case 0xcc:
    case 0xd0:
      return skip(bytes, at + 1, 1);
    case 0xcd:
    case 0xd1:
      return skip(bytes, at + 1, 2);
    case 0xca:
    case 0xce:
    case 0xd2:
      return skip(bytes, at + 1, 4);
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return skip(bytes, at + 1, 8);
    case 0xd9:
      return skipText(bytes, at + 2, readUint(bytes, at + 1, 1));
    case 0xda:
      return skipText(bytes, at + 3, readUint(bytes, at + 1, 2));
    case 0xdb:
      return skipText(bytes, at + 5, readUint(bytes, at + 1, 4));
    case 0xdc:
      return walkArray(bytes, at + 3, readUint(bytes, at + 1, 2), depth);
    case 0xdd:
      return walkArray(bytes, at + 5, readUint(bytes, at + 1, 4), depth);
    case 0xde:
      return walkMap(bytes, at + 3, readUint(bytes, at + 1, 2), depth);
    case 0xdf:
      return walkMap(bytes, at + 5, readUint(bytes, at + 1, 4), depth);
    default:
      throw new WireFault(`MessagePack type 0x${first.toString(16)} is not used by this protocol`);
  }
}

function walkArray(bytes: Uint8Array, at: number, count: number, depth: number): number {
  let position = at;
  for (let item = 0; item < count; item++) position = walk(bytes, position, depth + 1);
  return position;
}

function walkMap(bytes: Uint8Array, at: number, count: number, depth: number): number {
  let position = at;
  for (let entry = 0; entry < count; entry++) {
    const key = byteAt(bytes, position);
    if (!((key >= 0xa0 && key <= 0xbf) || (key >= 0xd9 && key <= 0xdb)))
      throw new WireFault('a map key is not a string');
    const behind = walk(bytes, position, depth + 1);
    if (isForbiddenKey(bytes, position, behind)) throw new WireFault('the map key __proto__ is not allowed');
    position = walk(bytes, behind, depth + 1);
  }
  return position;
}

const FORBIDDEN_KEY = Buffer.from('__proto__');

/** Whether the key from `at` to `end` is the one that JavaScript objects take for their prototype. */
function isForbiddenKey(bytes: Uint8Array, at: number, end: number): boolean {
  const first = byteAt(bytes, at);
  const header = first <= 0xbf ? 1 : 2 ** (first - 0xd9) + 1;
  return FORBIDDEN_KEY.equals(bytes.subarray(at + header, end));
}

function skip(bytes: Uint8Array, at: number, length: number): number {
  if (at + length > bytes.length) throw new WireFault('a value is longer than its frame');
  return at + length;
}

function skipText(bytes: Uint8Array, at: number, length: number): number {
  const end = skip(bytes, at, length);
  for (let position = at; position < end; position++)
    if (byteAt(bytes, position) > 0x7f) {
      requireUtf8(bytes.subarray(position, end));
      break;
    }
  return end;
}

function requireUtf8(bytes: Uint8Array): void {
  try {
    utf8.decode(bytes);
  } catch {
    throw new WireFault('a string is not UTF-8');
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new WireFault('the payload ends inside a value');
  return byte;
}

function readUint(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let offset = 0; offset < width; offset++) value = value * 256 + byteAt(bytes, at + offset);
  return value;
}
