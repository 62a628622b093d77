import { describe, expect, test } from 'vitest';
import {
  createCatalogue,
  entriesOf,
  extendCatalogue,
  inLockstep,
  isHopByHop,
  levelOf,
  levelOfLine,
  lineReaching,
  linesOf,
  type Release,
  releaseAt,
  releasesAtLevel,
} from '../../src/version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import { parseMinor, parseVersion, printMinor, printVersion } from '../../src/version/version.ts';

const level = (version: string) => levelOf(PHOENIX_CATALOGUE, parseVersion(version));
const release = (version: string, facts: Omit<Release, 'version'> = {}): Release => ({
  version: parseVersion(version),
  ...facts,
});

describe("Phoenix's releases", () => {
  test.each([
    ['4.1.0', 3],
    ['4.2.0', 4],
    ['4.2.1', 5],
    ['4.3.0', 7],
    ['4.5.0', 8],
    ['4.6.0', 9],
    ['4.7.0', 15],
    ['4.8.0', 18],
    ['4.8.1', 18],
    ['4.9.0', 20],
    ['4.10.0', 25],
    ['4.11.0', 27],
    ['4.12.0', 27],
    ['4.13.0', 27],
    ['4.14.0', 28],
    ['5.0.0', 28],
    ['4.15.0', 29],
    ['4.16.0', 33],
    ['5.1.0', 33],
    ['5.2.0', 38],
    ['5.3.0', 44],
    ['5.4.0', 45],
  ])('%s needs level %i', (version, expected) => {
    expect(level(version)).toBe(expected);
  });

  test.each([
    ['4.2.9', 5],
    ['4.4.0', 7],
    ['4.14.2-HBase-1.4', 28],
    ['4.17.0', 33],
    ['4.99.0', 33],
    ['5.0.7', 28],
    ['5.5.0', 45],
    ['6.0.0', 45],
  ])('%s, not listed, has the level %i of the nearest lower release', (version, expected) => {
    expect(level(version)).toBe(expected);
  });

  test('below the first release there is no level', () => {
    expect(level('4.0.9')).toBe(0);
    expect(level('1.0.0')).toBe(0);
  });

  test('a line works with the level of its latest patch', () => {
    expect(levelOfLine(PHOENIX_CATALOGUE, parseMinor('4.2'))).toBe(5);
    expect(levelOfLine(PHOENIX_CATALOGUE, parseMinor('4.13'))).toBe(27);
    expect(levelOfLine(PHOENIX_CATALOGUE, parseMinor('4.17'))).toBe(33);
  });

  test.each([
    [3, '4.1.0'],
    [4, '4.2.0'],
    [5, '4.2.1'],
    [6, '4.2.1'],
    [7, '4.3.0'],
    [27, '4.11.0'],
    [28, '4.14.0'],
    [30, '4.15.0'],
    [33, '4.16.0'],
    [45, '5.4.0'],
    [1_000, '5.4.0'],
  ])('tables at level %i are those of %s', (reached, expected) => {
    expect(releaseAt(PHOENIX_CATALOGUE, reached)).toEqual(parseVersion(expected));
  });

  test('tables below the first level belong to no release', () => {
    expect(releaseAt(PHOENIX_CATALOGUE, 2)).toBeNull();
    expect(releaseAt(PHOENIX_CATALOGUE, 0)).toBeNull();
  });

  test('the lowest line that works with given tables, not below a given one', () => {
    const reaching = (wanted: number, first: string) => {
      const line = lineReaching(PHOENIX_CATALOGUE, wanted, parseMinor(first));
      return line && printMinor(line);
    };
    expect(reaching(5, '4.0')).toBe('4.2');
    expect(reaching(29, '4.14')).toBe('4.15');
    expect(reaching(29, '5.0')).toBe('5.1');
    expect(reaching(46, '5.0')).toBeNull();
    expect(reaching(1, '5.5')).toBeNull();
  });

  test('[M4] clients are upgraded together before 4.3, and mix freely from 4.3 on', () => {
    for (const version of ['4.0.0', '4.1.0', '4.2.0', '4.2.9'])
      expect(inLockstep(PHOENIX_CATALOGUE, parseVersion(version)), version).toBe(true);
    for (const version of ['4.3.0', '4.3.0-HBase-1.4', '4.14.0', '5.4.0'])
      expect(inLockstep(PHOENIX_CATALOGUE, parseVersion(version)), version).toBe(false);
  });

  test('[M5] upgrades to releases below 4.3 go minor by minor, those to 4.3 or later are direct', () => {
    for (const version of ['4.1.0', '4.2.0', '4.2.1'])
      expect(isHopByHop(PHOENIX_CATALOGUE, parseVersion(version)), version).toBe(true);
    for (const version of ['4.3.0', '4.14.0', '5.0.0'])
      expect(isHopByHop(PHOENIX_CATALOGUE, parseVersion(version)), version).toBe(false);
  });

  test('[J1] only 5.1 accepts clients of an older major, and only those on 4.16', () => {
    const accepting = PHOENIX_CATALOGUE.releases.filter((entry) => entry.accepts !== undefined);
    expect(accepting.map((entry) => [printVersion(entry.version), entry.accepts?.map(printMinor)])).toEqual([
      ['5.1.0', ['4.16']],
    ]);
  });

  test('lines are listed once each, ascending', () => {
    const lines = linesOf(PHOENIX_CATALOGUE).map(printMinor);
    expect(lines).toEqual([
      ...['4.1', '4.2', '4.3', '4.5', '4.6', '4.7', '4.8', '4.9', '4.10', '4.11', '4.12', '4.13'],
      ...['4.14', '4.15', '4.16', '5.0', '5.1', '5.2', '5.3', '5.4'],
    ]);
  });
});

describe("a user's releases", () => {
  const extended = extendCatalogue(PHOENIX_CATALOGUE, [
    release('5.5.0', { level: 50, notes: 'Take a backup.', link: 'https://example.org/5.5' }),
    release('4.14.0-HBase-1.4', { level: 100 }),
    release('4.14.5', { lockstep: true }),
  ]);

  test('stand beside the known ones', () => {
    expect(levelOf(extended, parseVersion('5.5.3'))).toBe(50);
    expect(levelOf(extended, parseVersion('5.4.0'))).toBe(45);
    expect(entriesOf(extended, parseMinor('5.5')).map((entry) => entry.notes)).toEqual(['Take a backup.']);
  });

  test('take the place of one with the same version, whatever its qualifier', () => {
    expect(levelOf(extended, parseVersion('4.14.0'))).toBe(100);
    expect(entriesOf(extended, parseMinor('4.14')).map(({ version }) => printVersion(version))).toEqual([
      '4.14.0-HBase-1.4',
      '4.14.5',
    ]);
  });

  test('without a level have that of the nearest lower release', () => {
    expect(levelOf(extended, parseVersion('4.14.5'))).toBe(100);
  });

  test('state lockstep for a whole line, over the era', () => {
    expect(inLockstep(extended, parseVersion('4.14.0'))).toBe(true);
    const freed = extendCatalogue(PHOENIX_CATALOGUE, [release('4.2.0', { level: 4, lockstep: false })]);
    expect(inLockstep(freed, parseVersion('4.2.0'))).toBe(false);
    expect(inLockstep(freed, parseVersion('4.1.0'))).toBe(true);
  });

  test('keep the eras of the catalogue they extend', () => {
    expect(isHopByHop(extended, parseVersion('4.2.0'))).toBe(true);
  });

  test('do not change the catalogue they extend', () => {
    expect(level('5.5.0')).toBe(45);
    expect(level('4.14.0')).toBe(28);
  });

  test('are sorted, in whatever order they were given', () => {
    const mixed = createCatalogue([release('2.0.0', { level: 2 }), release('1.0.0', { level: 1 })]);
    expect(mixed.releases.map(({ version }) => printVersion(version))).toEqual(['1.0.0', '2.0.0']);
    expect(levelOf(mixed, parseVersion('1.5.0'))).toBe(1);
  });

  test('an empty catalogue answers too', () => {
    const empty = createCatalogue([]);
    expect(levelOf(empty, parseVersion('4.14.0'))).toBe(0);
    expect(releaseAt(empty, 7)).toBeNull();
    expect(inLockstep(empty, parseVersion('1.0.0'))).toBe(false);
    expect(isHopByHop(empty, parseVersion('1.0.0'))).toBe(false);
    expect(linesOf(empty)).toEqual([]);
  });
});

describe('the releases of a level, for people', () => {
  test.each([
    [3, '4.1'],
    [4, '4.2.0'],
    [5, '4.2.1'],
    [18, '4.8'],
    [26, '4.10'],
    [27, '4.11 to 4.13'],
    [28, '4.14 or 5.0'],
    [33, '4.16 or 5.1'],
    [45, '5.4'],
    [99, '5.4'],
  ])('level %i is that of %s', (level, releases) => {
    expect(releasesAtLevel(PHOENIX_CATALOGUE, level)).toBe(releases);
  });

  test('a level below the first release is that of none', () => {
    expect(releasesAtLevel(PHOENIX_CATALOGUE, 2)).toBeNull();
  });
});
