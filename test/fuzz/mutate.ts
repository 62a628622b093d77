/** Makes new inputs out of old ones. All choices are drawn from one seeded source, so that a seed gives a run again. */
import type { Random } from '../../src/ports/random.ts';

/** Numbers at which parsers turn: ends of ranges, signs, lengths of one more than fits. */
const NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0xffff_ffff];
/** What parsers, terminals and logs may take for more than a character. */
const SIGNS = [
  '\r\n',
  '\n',
  '\0',
  '"',
  '\\',
  '%00',
  '../',
  '\u2028',
  '\ud83d\ude00',
  '\ufeff',
  '\u001b[2J',
  '{',
  '[',
  '&a *a',
];
/** Changes that are made to one input at most. */
const MOST_CHANGES = 6;

/** What mutations are made of. */
export interface Material {
  readonly corpus: readonly Uint8Array[];
  readonly words: readonly Uint8Array[];
  readonly longest: number;
}

type Change = (bytes: Buffer, draw: Draw, material: Material) => Buffer;

/** Draws from a source of randomness. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A whole number from 0 on, below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  /** One of a list that is not empty. */
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }
}

/** Puts `piece` in place of what lies from `from` to `to`. */
const replaced = (bytes: Buffer, from: number, to: number, piece: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]);

/** A run of bytes: where it begins and ends. */
function stretch(bytes: Uint8Array, draw: Draw): [from: number, to: number] {
  const from = draw.below(bytes.length + 1);
  const most = draw.below(8) === 0 ? bytes.length : 16;
  return [from, Math.min(bytes.length, from + draw.below(most + 1))];
}

/** A number in two or four bytes, or in digits. */
function spelt(draw: Draw): Buffer {
  const number = draw.of(NUMBERS);
  const bytes = Buffer.alloc(4);
  if (draw.below(2) === 0) bytes.writeUInt32BE(number);
  else bytes.writeUInt32LE(number);
  const length = draw.of([1, 2, 4]);
  return draw.below(4) === 0
    ? Buffer.from(String(number))
    : bytes.subarray(draw.below(2) === 0 ? 4 - length : 0).subarray(0, length);
}

const CHANGES: readonly Change[] = [
  function flipBit(bytes, draw) {
    const at = draw.below(bytes.length);
    return replaced(bytes, at, at + 1, Buffer.of((bytes[at] ?? 0) ^ (1 << draw.below(8))));
  },
  function setByte(bytes, draw) {
    const at = draw.below(bytes.length);
    return replaced(bytes, at, at + 1, draw.bytes(1));
  },
  function remove(bytes, draw) {
    return replaced(bytes, ...stretch(bytes, draw), Buffer.alloc(0));
  },
  function insert(bytes, draw) {
    const at = draw.below(bytes.length + 1);
    return replaced(bytes, at, at, draw.bytes(1 + draw.below(8)));
  },
  function insertSign(bytes, draw) {
    const at = draw.below(bytes.length + 1);
    return replaced(bytes, at, at, Buffer.from(draw.of(SIGNS)));
  },
  function insertWord(bytes, draw, { words }) {
    const [from, to] = stretch(bytes, draw);
    if (words.length === 0) return bytes;
    return replaced(bytes, from, draw.below(2) === 0 ? from : to, draw.of(words));
  },
  function putNumber(bytes, draw) {
    const at = draw.below(bytes.length + 1);
    const number = spelt(draw);
    return replaced(bytes, at, draw.below(2) === 0 ? at : Math.min(bytes.length, at + number.length), number);
  },
  function again(bytes, draw) {
    const [from, to] = stretch(bytes, draw);
    const times = draw.below(16) === 0 ? 1 + draw.below(500) : 1 + draw.below(3);
    return replaced(bytes, to, to, Buffer.concat(Array(times).fill(bytes.subarray(from, to))));
  },
  function splice(bytes, draw, { corpus }) {
    const other = draw.of(corpus);
    const [from, to] = [draw.below(bytes.length + 1), draw.below(other.length + 1)];
    return Buffer.concat([bytes.subarray(0, from), other.subarray(to)]);
  },
  function take(bytes, draw, { corpus }) {
    const other = draw.of(corpus);
    const at = draw.below(bytes.length + 1);
    return replaced(bytes, at, at, other.subarray(...stretch(other, draw)));
  },
  function cut(bytes, draw) {
    return bytes.subarray(0, draw.below(bytes.length + 1));
  },
];

/** A new input: now and then nothing but random bytes, otherwise one of the corpus with a few changes. */
export function mutate(draw: Draw, material: Material): Buffer {
  if (draw.below(32) === 0) return draw.bytes(draw.below(Math.min(64, material.longest)));
  let bytes: Buffer = Buffer.from(draw.of(material.corpus));
  for (let changes = 1 + draw.below(MOST_CHANGES); changes > 0; changes--)
    bytes = draw.of(CHANGES)(bytes, draw, material).subarray(0, material.longest);
  return bytes;
}
