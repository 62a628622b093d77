/** Randomness, passed in, so that a seeded run repeats. */
export interface Random {
  /** In [0, 1). */
  next(): number;
}

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** `length` characters of 5 bits each (Crockford's alphabet, lower case). */
export function randomId(random: Random, length = 12): string {
  let id = '';
  while (id.length < length) id += DIGITS[Math.floor(random.next() * 32)];
  return id;
}
