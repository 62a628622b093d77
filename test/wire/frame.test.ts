import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WireFault } from '../../src/wire/fault.ts';
import { encodeFrame, type Frame, FrameReader, HEADER_LENGTH, MAX_PAYLOAD } from '../../src/wire/frame.ts';
import { chunkSizes, chunksBy, chunksOf } from '../support/chunks.ts';
import { randomBytes } from '../support/random.ts';

const known = (type: number) => type >= 1 && type <= 4;

function readAll(reader: FrameReader, chunks: readonly Uint8Array[]): Frame[] {
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

const frames = fc.array(fc.record({ type: fc.integer({ min: 1, max: 4 }), payload: fc.uint8Array() }), {
  maxLength: 6,
});
const bytesOf = (list: readonly Frame[]) =>
  Buffer.concat(list.map(({ type, payload }) => encodeFrame(type, payload)));
const plain = (list: readonly Frame[]) =>
  list.map(({ type, payload }) => [type, Buffer.from(payload).toString('hex')]);

describe('layout', () => {
  test('one byte of type, four of length, big endian, the payload', () => {
    expect([...encodeFrame(3, Uint8Array.of(9, 8))]).toEqual([3, 0, 0, 0, 2, 9, 8]);
    expect([...encodeFrame(1, new Uint8Array(0x0102)).subarray(0, 5)]).toEqual([1, 0, 0, 1, 2]);
  });

  test('a payload over the limit is not sent', () => {
    expect(encodeFrame(1, new Uint8Array(MAX_PAYLOAD))).toHaveLength(MAX_PAYLOAD + HEADER_LENGTH);
    expect(() => encodeFrame(1, new Uint8Array(MAX_PAYLOAD + 1))).toThrow(RangeError);
  });
});

describe('chunks mean nothing', () => {
  test.each([1, 2, 3])('in chunks of %i', (size) => {
    fc.assert(
      fc.property(frames, (list) => {
        expect(plain(readAll(new FrameReader(known), chunksOf(bytesOf(list), size)))).toEqual(plain(list));
      }),
    );
  });

  test('in random chunks, and what follows the last frame is left', () => {
    fc.assert(
      fc.property(frames, chunkSizes, fc.uint8Array({ minLength: 1, maxLength: 50 }), (list, sizes, tail) => {
        const reader = new FrameReader(known);
        const read = readAll(reader, chunksBy(bytesOf(list), sizes));
        reader.push(tail);
        expect(plain(read)).toEqual(plain(list));
        expect(Buffer.from(reader.rest())).toEqual(Buffer.from(tail));
        expect(reader.buffered).toBe(0);
      }),
    );
  });

  test('a frame of the greatest size arrives byte by byte', () => {
    const payload = randomBytes(MAX_PAYLOAD);
    const [frame, ...more] = readAll(new FrameReader(known), chunksOf(encodeFrame(2, payload), 1));
    expect(more).toEqual([]);
    expect(Buffer.from(frame?.payload ?? []).equals(payload)).toBe(true);
  });

  test('a payload stays as it was when the chunk it came in is used again', () => {
    const reader = new FrameReader(known);
    const chunk = encodeFrame(1, Uint8Array.of(1, 2, 3));
    reader.push(chunk);
    const frame = reader.next();
    chunk.fill(0);
    reader.push(encodeFrame(1, Uint8Array.of(9, 9, 9)));
    expect([...(frame?.payload ?? [])]).toEqual([1, 2, 3]);
  });
});

describe('bad frames', () => {
  const faultAfter = (bytes: readonly number[]): number | null => {
    const reader = new FrameReader(known);
    for (const [at, byte] of bytes.entries()) {
      reader.push(Uint8Array.of(byte));
      try {
        reader.next();
      } catch (error) {
        expect(error).toBeInstanceOf(WireFault);
        return at + 1;
      }
    }
    return null;
  };

  test('an unknown type faults at its first byte', () => {
    for (let type = 0; type < 256; type++) expect(faultAfter([type])).toBe(known(type) ? null : 1);
  });

  test('an oversized frame faults as soon as its header is there', () => {
    expect(faultAfter([1, 0xff, 0xff, 0xff, 0xff, 0, 0])).toBe(5);
    expect(faultAfter([1, 0, 1, 0, 1, 0, 0])).toBe(5);
    expect(faultAfter([1, 0, 1, 0, 0, 0, 0])).toBe(null);
  });

  test('a truncated frame is never handed out', () => {
    const whole = encodeFrame(1, randomBytes(300));
    const read = readAll(new FrameReader(known), chunksOf(whole.subarray(0, -1), 7));
    expect(read).toEqual([]);
  });

  test('an announced length allocates nothing: memory follows what has arrived', () => {
    const readers = Array.from({ length: 2_000 }, () => new FrameReader(known));
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of readers) {
      // The most that may be announced, and ten bytes of it.
      reader.push(Uint8Array.of(1, 0, 1, 0, 0, ...new Uint8Array(10)));
      expect(reader.next()).toBeNull();
    }
    const grown = process.memoryUsage().arrayBuffers - before;
    expect(readers.every(({ buffered }) => buffered === 15)).toBe(true);
    // Were the announced 64 KiB allocated, it would be 131 MB.
    expect(grown).toBeLessThan(8_000_000);
  });

  test('random bytes end in frames, a wait for more, or a WireFault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), chunkSizes, (bytes, sizes) => {
        try {
          readAll(new FrameReader(() => true), chunksBy(bytes, sizes));
        } catch (error) {
          expect(error).toBeInstanceOf(WireFault);
        }
      }),
    );
  });
});
