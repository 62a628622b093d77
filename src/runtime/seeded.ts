/** A seeded source of randomness. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Random } from '../ports/random.ts';

/** The same numbers for the same seed on every machine. @param seed a whole number; only its lower 32 bits count */
export function createSeeded(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  return { next: () => uniformFloat64(generator) };
}
