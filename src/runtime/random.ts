/** The machine's own randomness. */
import { randomBytes } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** Numbers nobody can predict: 48 bits each from the system's cryptographic generator. */
export const realRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
