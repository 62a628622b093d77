/**
 * A client's token as text: who holds it is who it names, so it must not be guessable, and no error about it may quote
 * it. It is sent in a hello; both ends check it by the same rules.
 */

/** What a token that was made here begins with, so that those who look for leaked secrets know one. */
export const TOKEN_PREFIX = 'sg_';
/** Characters of one; as RFC 6750 has them in `b64token`, and `_`. */
const FORM = /^[\w.~+/-]+=*$/;
const LONGEST = 512;
/** What is below can be guessed, whatever the hash of it. */
const LEAST_BITS = 128;

/** Alphabets from the smallest on, with the bits that a character of each can have at most. */
const ALPHABETS: readonly (readonly [only: RegExp, characters: number])[] = [
  [/^\d+$/, 10],
  [/^[\da-f]+$/, 16],
  [/^[\dA-F]+$/, 16],
  [/^[\da-z]+$/, 36],
  [/^[\dA-Z]+$/, 36],
];
const OTHER_CHARACTERS = 64;

/** A token that can't be one. The message says why, and holds nothing of it. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

/** Checks a token. @throws {TokenError} which does not quote it */
export function requireToken(text: string): void {
  if (text === '') throw new TokenError('the token is empty');
  if (text.length > LONGEST) throw new TokenError(`a token has at most ${LONGEST} characters`);
  if (!FORM.test(text))
    throw new TokenError('a token has letters, digits and any of . _ ~ + / - and nothing else');
  if (mostBits(text) < LEAST_BITS)
    throw new TokenError('the token is too short to be safe: `skewgate token` makes one that is not');
}

/** Bits that a text of this length and alphabet has where it was drawn at random, and no more. */
function mostBits(text: string): number {
  const bare = text.replace(/=+$/, '');
  const distinct = new Set(bare).size;
  // `aaaa…` is long, and not random.
  if (distinct < 6) return distinct;
  const [, characters] = ALPHABETS.find(([only]) => only.test(bare)) ?? [null, OTHER_CHARACTERS];
  return bare.length * Math.log2(characters);
}
