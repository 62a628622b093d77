import { describe, expect, test } from 'vitest';
import { linesBetween } from '../../src/policy/lines.ts';
import { createCatalogue } from '../../src/version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import { parseMinor, printMinor } from '../../src/version/version.ts';

const between = (first: string, last: string, limit?: number, catalogue = PHOENIX_CATALOGUE) =>
  linesBetween(catalogue, parseMinor(first), parseMinor(last), limit).map(printMinor);

describe('release lines between two', () => {
  test('both ends included, also lines that no catalogue lists', () => {
    expect(between('4.2', '4.5')).toEqual(['4.2', '4.3', '4.4', '4.5']);
    expect(between('4.20', '4.22')).toEqual(['4.20', '4.21', '4.22']);
    expect(between('4.14', '4.14')).toEqual(['4.14']);
  });

  test('over a change of major, which the catalogue places', () => {
    expect(between('4.15', '5.1')).toEqual(['4.15', '4.16', '5.0', '5.1']);
    expect(between('4.18', '5.0')).toEqual(['4.18', '5.0']);
    expect(between('1.30', '2.1', undefined, createCatalogue([]))).toEqual(['1.30', '2.0', '2.1']);
  });

  test('never more than asked for, however far apart the ends are', () => {
    expect(between('4.0', '4.999999999', 3)).toEqual(['4.0', '4.1', '4.2']);
    expect(between('0.0', '999999999.0', 3)).toEqual(['0.0', '1.0', '2.0']);
  });
});
