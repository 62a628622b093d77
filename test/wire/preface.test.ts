import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agreeRevision, encodePreface, PREFACE_LENGTH, readPreface } from '../../src/wire/preface.ts';

describe('preface', () => {
  test('magic, range, two reserved bytes', () => {
    expect(Buffer.from(encodePreface({ min: 1, max: 3 })).toString('hex')).toBe('f5534b4701030000');
  });

  test('every range comes back, whatever the reserved bytes and what follows', () => {
    const byte = fc.integer({ min: 1, max: 255 });
    fc.assert(
      fc.property(byte, byte, fc.uint8Array({ minLength: 2, maxLength: 20 }), (one, other, rest) => {
        const revisions = { min: Math.min(one, other), max: Math.max(one, other) };
        const bytes = Buffer.concat([encodePreface(revisions).subarray(0, 6), rest]);
        expect(readPreface(bytes)).toEqual({ kind: 'preface', revisions });
      }),
    );
  });

  test('each shorter part of one asks for more', () => {
    const whole = encodePreface();
    for (let length = 0; length < PREFACE_LENGTH; length++)
      expect(readPreface(whole.subarray(0, length))).toEqual({ kind: 'more' });
  });

  test.each([
    [0, 0],
    [0, 1],
    [2, 1],
  ])('the range %i to %i is none', (min, max) => {
    expect(readPreface(encodePreface({ min, max }))).toEqual({ kind: 'stray', speaks: 'unknown' });
  });
});

describe('a stray peer is told apart from its first byte', () => {
  const speaks = (bytes: Uint8Array) => readPreface(bytes) as { kind: string; speaks: string };

  test.each([
    'GET',
    'POST',
    'PUT',
    'DELETE',
    'HEAD',
    'OPTIONS',
    'CONNECT',
    'TRACE',
    'PATCH',
    'PRI * HTTP/2.0',
  ])('HTTP: %s', (request) => {
    const bytes = Buffer.from(`${request} / HTTP/1.1\r\n`);
    for (let length = 1; length <= bytes.length; length++)
      expect(speaks(bytes.subarray(0, length))).toEqual({ kind: 'stray', speaks: 'http' });
  });

  test('TLS', () => {
    for (const bytes of [[0x16], [0x16, 3], [0x16, 3, 1, 2, 0]])
      expect(speaks(Uint8Array.from(bytes))).toEqual({ kind: 'stray', speaks: 'tls' });
  });

  test('every first byte but the magic one is decided at once', () => {
    for (let first = 0; first < 256; first++)
      expect(readPreface(Uint8Array.of(first)).kind).toBe(first === 0xf5 ? 'more' : 'stray');
  });

  test('a magic that goes wrong later is no HTTP and no TLS', () => {
    for (const [at, wrong] of [
      [1, 0x16],
      [2, 0x47],
      [3, 0x48],
    ] as const) {
      const bytes = encodePreface();
      bytes[at] = wrong;
      expect(speaks(bytes.subarray(0, at + 1))).toEqual({ kind: 'stray', speaks: 'unknown' });
    }
  });
});

describe('revision', () => {
  test.each([
    [[1, 1], [1, 1], 1],
    [[1, 3], [2, 5], 3],
    [[2, 5], [1, 3], 3],
    [[1, 9], [4, 4], 4],
    [[1, 1], [2, 3], null],
    [[5, 7], [1, 4], null],
  ] as const)('%j and %j agree on %j', ([min, max], [low, high], agreed) => {
    expect(agreeRevision({ min, max }, { min: low, max: high })).toBe(agreed);
  });

  test('both sides come to the same revision, and it is the highest that both speak', () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 255 }))
      .map(([one, other]) => ({ min: Math.min(one, other), max: Math.max(one, other) }));
    const speaks = (revision: number, { min, max }: { min: number; max: number }) =>
      revision >= min && revision <= max;
    fc.assert(
      fc.property(range, range, (ours, theirs) => {
        const shared = Array.from({ length: 255 }, (_, at) => at + 1).filter(
          (revision) => speaks(revision, ours) && speaks(revision, theirs),
        );
        expect(agreeRevision(ours, theirs)).toBe(shared.at(-1) ?? null);
        expect(agreeRevision(theirs, ours)).toBe(shared.at(-1) ?? null);
      }),
    );
  });
});
