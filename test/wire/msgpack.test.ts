import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WireFault } from '../../src/wire/fault.ts';
import { decodeValue, Encoded, encodeMap, encodeValue } from '../../src/wire/msgpack.ts';

const decodeHex = (hex: string) => decodeValue(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** What messages are made of, `__proto__` aside. */
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 20, noNullPrototype: true },
    ),
  ),
})).value;

describe('values', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decodeValue(encodeValue(value))).toEqual(value);
      }),
    );
  });

  test('come back as they were where they were encoded before the map that they are part of', () => {
    const name = fc.string().filter((key) => key !== '__proto__');
    const fields = fc.dictionary(name, fc.tuple(values, fc.boolean()), {
      maxKeys: 15,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(fields, (map) => {
        const entries = Object.entries(map);
        const encoded = entries.map(([key, [value, early]]) => [key, early ? new Encoded(value) : value]);
        const plain = entries.map(([key, [value]]) => [key, value]);
        expect(decodeValue(encodeMap(Object.fromEntries(encoded)))).toEqual(Object.fromEntries(plain));
        expect(decodeValue(encodeMap(new Encoded(plain)))).toEqual(plain);
      }),
    );
  });

  test.each([
    [
      'the same number in every integer format',
      ['1c', 'cc 1c', 'cd 001c', 'ce 0000001c', 'cf 000000000000001c'],
      28,
    ],
    ['signed formats', ['d0 1c', 'd1 001c', 'd2 0000001c', 'd3 000000000000001c'], 28],
    ['below 0', ['ff', 'd0 ff', 'd1 ffff', 'd2 ffffffff', 'd3 ffffffffffffffff'], -1],
    ['floats', ['ca 3f000000', 'cb 3fe0000000000000'], 0.5],
    ['strings of every length format', ['a2 6869', 'd9 02 6869', 'da 0002 6869', 'db 00000002 6869'], 'hi'],
    ['arrays of every length format', ['91 c3', 'dc 0001 c3', 'dd 00000001 c3'], [true]],
    ['maps of every length format', ['81 a161 c2', 'de 0001 a161 c2', 'df 00000001 d90161 c2'], { a: false }],
  ])('%s', (_what, spellings, value) => {
    expect(spellings.map(decodeHex)).toEqual(spellings.map(() => value));
  });

  test('of a key that comes twice the last one counts', () => {
    expect(decodeHex('82 a161 01 a161 02')).toEqual({ a: 2 });
  });
});

describe('hostile payloads', () => {
  test.each([
    ['nothing', ''],
    ['an array of 2^32 - 1', 'dd ffffffff'],
    ['a map of 2^32 - 1', 'df ffffffff'],
    ['an array of 2^32 - 1 with some of it', 'dd ffffffff c0 c0 c0'],
    ['a string of 4 GiB', 'db ffffffff'],
    ['a string longer than what is left', 'a5 6869'],
    ['a number cut short', 'cf 00'],
    ['a length cut short', 'da 00'],
    ['a map without its last value', '82 a161 01 a162'],
    ['bytes behind the value', 'c0 c0'],
    ['arrays in arrays', '91'.repeat(50)],
    ['maps in maps', '81 a161'.repeat(50)],
    ['maps and arrays 60,000 deep', '91 81 a161'.repeat(30_000)],
    ['a key that is a number', '81 01 01'],
    ['a key that is nil', '81 c0 01'],
    ['a key that is an array', '81 91 01 01'],
    ['bin 8', 'c4 01 00'],
    ['bin 32 of 4 GiB', 'c6 ffffffff'],
    ['fixext, which msgpackr takes for undefined', 'd4 00 00'],
    ['a record definition of msgpackr', 'd4 72 40 91 a161 01'],
    ['a timestamp', 'd6 ff 00000000'],
    ['ext 32 of 4 GiB', 'c9 ffffffff 01'],
    ['0xc1', 'c1'],
    ['an ext inside a map', '81 a161 d4 00 00'],
    ['invalid UTF-8', 'a2 c328'],
    ['invalid UTF-8 behind ASCII', 'a5 68656c6cff'],
    ['an overlong form', 'a2 c0af'],
    ['a surrogate', 'a3 eda080'],
    ['UTF-8 cut short', 'a1 c3'],
    ['a key that is not UTF-8', '81 a1 ff 01'],
  ])('%s', (_what, hex) => {
    expect(() => decodeHex(hex)).toThrow(WireFault);
  });

  test('eight arrays in each other are the most', () => {
    expect(decodeHex(`${'91'.repeat(8)} c0`)).toEqual([[[[[[[[null]]]]]]]]);
    expect(() => decodeHex(`${'91'.repeat(9)} c0`)).toThrow('values nest deeper than 8');
  });

  test('the key __proto__ is refused, however its length is written, at any depth; longer keys are not', () => {
    for (const hex of ['81 a9 5f5f70726f746f5f5f c0', '81 d9 09 5f5f70726f746f5f5f c0'])
      expect(() => decodeHex(hex)).toThrow('the map key __proto__ is not allowed');
    for (const hex of ['81 da 0009 5f5f70726f746f5f5f c0', '91 81 db 00000009 5f5f70726f746f5f5f c0'])
      expect(() => decodeHex(hex)).toThrow('the map key __proto__ is not allowed');
    expect(decodeHex('81 aa 785f5f70726f746f5f5f c0')).toEqual({ x__proto__: null });
    expect(decodeHex('a9 5f5f70726f746f5f5f')).toBe('__proto__');
  });

  test('other keys of objects change no prototype', () => {
    const nested = decodeHex('81 ab 636f6e7374727563746f72 81 a9 70726f746f74797065 81 a5 61646d696e c3');
    expect(Object.keys(nested as object)).toEqual(['constructor']);
    expect('admin' in {}).toBe(false);
  });

  test('random bytes are a value or a WireFault', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Near misses: a good value with one byte changed.
      fc.tuple(values, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([value, at, byte]) => {
        const bytes = Uint8Array.from(encodeValue(value));
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        try {
          decodeValue(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(WireFault);
        }
      }),
      { numRuns: 1_000 },
    );
    expect('admin' in {}).toBe(false);
  });
});
