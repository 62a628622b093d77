/** A seeded source of randomness. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';
import type { Random } from '../ports/random.ts';

/**
 * The same numbers for the same seed on every machine, and unlike ones for neighbouring seeds from the first on:
 * other generators of the library begin almost alike for small seeds.
 * @param seed a whole number; only its lower 32 bits count
 */
export function createSeeded(seed: number): Random {
  const generator = mersenne(seed);
  return { next: () => uniformFloat64(generator) };
}
