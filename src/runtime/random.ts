/** The machine's own randomness. */
import { randomFillSync } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** Bytes of one number. */
const WIDTH = 6;
/** Drawn many numbers at a time: a call costs as much as hundreds of bytes do. */
const pool = Buffer.allocUnsafeSlow(1_024 * WIDTH);
let at = pool.length;

/** Numbers nobody can predict: 48 bits each from the system's cryptographic generator. */
export const realRandom: Random = {
  next() {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    const number = pool.readUIntBE(at, WIDTH) / 2 ** (8 * WIDTH);
    at += WIDTH;
    return number;
  },
};
