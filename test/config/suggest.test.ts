/** Suggestions for names that do not exist. */
import { expect, test } from 'vitest';
import { closestTo, didYouMean } from '../../src/config/suggest.ts';

const KEYS = [
  'cluster',
  'listen',
  'servers',
  'policy',
  'catalogue',
  'migration',
  'log',
  'timeouts',
  'limits',
];

test.each([
  ['polisy', 'policy'],
  ['timeout', 'timeouts'],
  ['server', 'servers'],
  ['sevrers', 'servers'],
  ['Listen', 'listen'],
  ['lgo', 'log'],
])('%s was meant to be %s', (word, meant) => {
  expect(closestTo(word, KEYS)).toBe(meant);
  expect(didYouMean(word, KEYS)).toBe(` (did you mean ${meant}?)`);
});

test.each(['x', '', 'metrics', 'constructor', 'lo-o-o-o-o-og'])('nothing is guessed for %j', (word) => {
  expect(closestTo(word, KEYS)).toBeUndefined();
  expect(didYouMean(word, KEYS)).toBe('');
});

test('a word of a million letters is no work', () => {
  expect(closestTo('a'.repeat(1_000_000), KEYS)).toBeUndefined();
});
