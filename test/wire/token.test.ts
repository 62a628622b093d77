/** Which tokens are taken for tokens, and that no error about one holds it. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requireToken, TokenError } from '../../src/wire/token.ts';

const drawn = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(() => bytes);

describe('a token', () => {
  test.each(['base64url', 'base64', 'hex'] as const)('of 128 random bits in %s is taken', (form) => {
    fc.assert(
      fc.property(drawn(16), (bytes) => {
        requireToken(randomBytes(bytes).toString(form));
      }),
    );
  });

  test.each([
    ['', /empty/],
    ['hunter2', /too short/],
    ['correcthorsebatterystap', /too short/],
    ['a'.repeat(100), /too short/],
    ['0123456789'.repeat(3), /too short/],
    ['0123456789abcdef0123456789abcde', /too short/],
    [`${'ab12CD34'.repeat(4)}\n`, /nothing else/],
    [`${'ab12CD34'.repeat(4)} x`, /nothing else/],
    [`${'ab12CD34'.repeat(4)}é`, /nothing else/],
    ['='.repeat(40), /nothing else/],
    ['aB1-'.repeat(129), /at most 512/],
  ])('%j is none, and the error does not quote it', (text, message) => {
    expect(() => requireToken(text)).toThrow(TokenError);
    expect(() => requireToken(text)).toThrow(message);
  });

  test('never stands in what is said about it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6 }), (text) => {
        try {
          requireToken(text);
        } catch (error) {
          expect((error as Error).message).not.toContain(text);
        }
      }),
    );
  });
});
