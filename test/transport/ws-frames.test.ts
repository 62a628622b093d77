/** The frames of a WebSocket client, read in place, byte for byte. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameReader, frameOf, MAX_HEADER, OPCODES, writeHeader } from '../../src/transport/ws-frames.ts';
import { chunksBy } from '../support/chunks.ts';
import { randomBytes } from '../support/random.ts';

const LIMIT = 1_048_576;

/** A frame as a client sends it. */
function masked(
  opcode: number,
  payload: Uint8Array,
  { fin = true, key = 0x12_34_56_78, flags = 0 } = {},
): Buffer {
  const header = Buffer.alloc(MAX_HEADER);
  const length = writeHeader(header, opcode, payload.length);
  header[0] = (fin ? 0x80 : 0) | flags | opcode;
  header[1] = (header[1] as number) | 0x80;
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(key);
  return Buffer.concat([
    header.subarray(0, length),
    mask,
    payload.map((byte, at) => byte ^ (mask[at & 3] as number)),
  ]);
}

interface Heard {
  readonly bytes: Buffer;
  readonly pings: string[];
  readonly reader: FrameReader;
}

/** What a reader makes of chunks, which it may change. */
function read(chunks: readonly Uint8Array[], limit = LIMIT): Heard {
  const reader = new FrameReader();
  const parts: Buffer[] = [];
  const pings: string[] = [];
  for (const chunk of chunks) {
    if (reader.fault !== null || reader.closed !== null) break;
    reader.read(Buffer.from(chunk), limit);
    parts.push(Buffer.from(reader.chunk.subarray(reader.start, reader.end)));
    if (reader.ping !== null) pings.push(reader.ping.toString());
  }
  return { bytes: Buffer.concat(parts), pings, reader };
}

const message = fc.record({
  sizes: fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom(47, 48, 125, 126, 127, 65_535, 65_536),
      fc.integer({ min: 10, max: 70_000 }),
    ),
    { minLength: 1, maxLength: 4 },
  ),
  key: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xff_ff_ff_ff })),
  ping: fc.boolean(),
});

describe('frames of a client', () => {
  test('give the bytes of their messages, however they are cut into fragments and reads', () => {
    const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), cuts, fc.nat(999), (messages, sizes, seed) => {
        const sent: Buffer[] = [];
        const frames: Buffer[] = [];
        let pings = 0;
        for (const [at, { sizes: parts, key, ping }] of messages.entries()) {
          // Messages of nothing are another story.
          const lengths = parts.every((size) => size === 0) ? [1] : parts;
          lengths.forEach((size, nth) => {
            const payload = randomBytes(size, seed + at * 10 + nth);
            sent.push(payload);
            const opcode = nth === 0 ? OPCODES.binary : OPCODES.continuation;
            frames.push(masked(opcode, payload, { fin: nth === lengths.length - 1, key }));
            if (ping && pings++ >= 0) frames.push(masked(OPCODES.ping, Buffer.from(`${pings}`), { key }));
          });
        }
        const wire = Buffer.concat(frames);
        const large = wire.length > 20_000 ? sizes.map((size) => Math.max(size, 500)) : sizes;
        const heard = read(chunksBy(wire, large));
        expect(heard.bytes.equals(Buffer.concat(sent))).toBe(true);
        expect(heard.reader).toMatchObject({ fault: null, closed: null, ended: false });
        expect(heard.pings.at(-1)).toBe(pings === 0 ? undefined : `${pings}`);
      }),
      { numRuns: 200 },
    );
  });

  test('of one read are one run of bytes, of however many messages', () => {
    const bytes = randomBytes(9_000);
    const wire = Buffer.concat([...bytes].map((byte) => masked(OPCODES.binary, Uint8Array.of(byte))));
    const { reader } = read([wire]);
    expect(reader.chunk.subarray(reader.start, reader.end).equals(bytes)).toBe(true);
    expect(reader.whole).toBe(reader.end);
  });

  test('up to the last whole message are told apart from what is not whole yet', () => {
    const one = masked(OPCODES.binary, Buffer.from('one'));
    const two = masked(OPCODES.binary, Buffer.from('two'), { fin: false });
    const { reader } = read([Buffer.concat([one, two])]);
    expect(reader.end - reader.start).toBe(6);
    expect(reader.whole - reader.start).toBe(3);
    reader.read(masked(OPCODES.continuation, Buffer.alloc(0)), LIMIT);
    expect(reader.whole).toBe(0);
    reader.read(masked(OPCODES.binary, Buffer.from('three'), { fin: false }), LIMIT);
    expect(reader.whole).toBe(-1);
  });

  test.each([
    ['one frame', [masked(OPCODES.binary, Buffer.alloc(0))]],
    ['two', [masked(2, Buffer.alloc(0), { fin: false }), masked(0, Buffer.alloc(0))]],
  ])('an empty message of %s is the end, and what comes after it is dropped', (_, frames) => {
    const wire = [masked(OPCODES.binary, Buffer.from('last')), ...frames, masked(2, Buffer.from('late'))];
    const { bytes, reader } = read(chunksBy(Buffer.concat(wire), [3]));
    expect(bytes.toString()).toBe('last');
    expect(reader.ended).toBe(true);
    expect(read([masked(2, Buffer.from('not')), masked(9, Buffer.alloc(0))]).reader.ended).toBe(false);
  });

  const reason = (code: number, text: string | Buffer) =>
    Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(text)]);

  test('a close frame ends it, with its code and reason', () => {
    const closing = masked(OPCODES.close, reason(4002, 'enough'));
    const wire = Buffer.concat([masked(2, Buffer.from('a')), closing, masked(2, Buffer.from('b'))]);
    for (const size of [1, 5, 1_000]) {
      const { bytes, reader } = read(chunksBy(wire, [size]));
      expect(bytes.toString()).toBe('a');
      expect(reader.closed).toEqual({ code: 4002, reason: 'enough' });
    }
    expect(read([masked(OPCODES.close, Buffer.alloc(0))]).reader.closed?.code).toBe(1005);
  });

  const some = Buffer.from('x');
  test.each<[what: string, code: number, frames: Buffer[]]>([
    ['a reserved bit', 1002, [masked(2, some, { flags: 0x10 })]],
    ['a compressed frame', 1002, [masked(2, some, { flags: 0x40 })]],
    ['an unknown opcode', 1002, [masked(3, some)]],
    ['an unknown control frame', 1002, [masked(11, some)]],
    ['a frame without a mask', 1002, [frameOf(2, some)]],
    ['a continuation of nothing', 1002, [masked(0, some)]],
    ['a message within a message', 1002, [masked(2, some, { fin: false }), masked(2, some)]],
    ['a control frame in fragments', 1002, [masked(9, some, { fin: false })]],
    ['a control frame that is too long', 1002, [masked(9, Buffer.alloc(126))]],
    ['a close frame of one byte', 1002, [masked(8, some)]],
    ['a close code that nobody may send', 1002, [masked(8, reason(1006, ''))]],
    ['a close code below all', 1002, [masked(8, reason(999, ''))]],
    ['a close reason that is not UTF-8', 1007, [masked(8, reason(1000, Buffer.from([0xff])))]],
    ['text that is not UTF-8', 1007, [masked(1, Buffer.from([0xff]))]],
    ['text', 1003, [masked(1, Buffer.from('hello'))]],
    ['a message that is too long', 1009, [masked(2, Buffer.alloc(LIMIT + 1))]],
    [
      'fragments that are too long together',
      1009,
      [masked(2, Buffer.alloc(LIMIT), { fin: false }), masked(0, some)],
    ],
  ])('%s is a fault: %i, and nothing after it is heard', (_, code, frames) => {
    const before = masked(2, Buffer.from('before'));
    const { reader } = read([Buffer.concat([before, ...frames, masked(2, Buffer.from('after'))])]);
    expect(reader.fault?.closeReason.code).toBe(code);
    expect(reader.closed).toBeNull();
    const heard = Buffer.from(reader.chunk.subarray(reader.start, reader.end)).toString();
    expect(heard.startsWith('before')).toBe(true);
    expect(heard).not.toContain('after');
  });

  test('a length beyond all numbers is too long at once, before anything of it comes', () => {
    const header = Buffer.from([0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]);
    expect(read([header]).reader.fault?.closeReason.code).toBe(1009);
  });

  test('a message of more fragments than the specification allows is a fault, one of as many is not', () => {
    const start = masked(2, some, { fin: false });
    const more = masked(0, some, { fin: false });
    const wire = [start, ...Array.from({ length: 16_383 }, () => more)];
    const { reader } = read([Buffer.concat(wire)]);
    expect(reader.fault).toBeNull();
    reader.read(Buffer.from(more), LIMIT);
    expect(reader.fault?.closeReason.code).toBe(1008);
  });
});
