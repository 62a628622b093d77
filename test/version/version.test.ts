import fc from 'fast-check';
import semver from 'semver';
import { describe, expect, test } from 'vitest';
import {
  compareMinors,
  compareVersions,
  extremes,
  MAX_VERSION_LENGTH,
  parseMinor,
  parseVersion,
  printCore,
  printMinor,
  printVersion,
  tryParseVersion,
  type Version,
  VersionError,
} from '../../src/version/version.ts';

const part = fc.nat({ max: 30 });
const qualifier = fc.constantFrom('', '-HBase-1.4', '-cdh5.14.2', '-SNAPSHOT', '+build.7', '-0');
const version: fc.Arbitrary<Version> = fc.record({ major: part, minor: part, patch: part, qualifier });

describe('parsing', () => {
  test('reads major, minor, patch', () => {
    expect(parseVersion('4.14.2')).toEqual({ major: 4, minor: 14, patch: 2, qualifier: '' });
    expect(parseVersion('0.0.0')).toEqual({ major: 0, minor: 0, patch: 0, qualifier: '' });
  });

  test.each([
    ['4.14.0-HBase-1.4', '4.14.0', '-HBase-1.4'],
    ['4.14.1-cdh5.14.2', '4.14.1', '-cdh5.14.2'],
    ['5.1.0-SNAPSHOT', '5.1.0', '-SNAPSHOT'],
    ['4.14.0+git.abc123', '4.14.0', '+git.abc123'],
    ['4.14.0-007', '4.14.0', '-007'],
  ])('keeps the qualifier of %s', (text, core, expected) => {
    const parsed = parseVersion(text);
    expect(parsed.qualifier).toBe(expected);
    expect(printCore(parsed)).toBe(core);
    expect(printVersion(parsed)).toBe(text);
  });

  test.each([
    ['4.14', 'it has 2 parts, not the 3 of major.minor.patch'],
    ['4', 'it has 1 part, not the 3 of major.minor.patch'],
    ['4.14.0.0', 'it has 4 parts, not the 3 of major.minor.patch'],
    ['v4', 'leave out the "v"'],
    ['v4.14.0', 'leave out the "v"'],
    ['=4.14.0', 'leave out the "="'],
    ['-4.14.0', 'a part is negative'],
    ['4.-14.0', 'a part is negative'],
    ['4.14.-1', 'a part is negative'],
    ['100000000000000000000.0.0', 'a part is too large'],
    ['4.14.9007199254740992', 'a part is too large'],
    ['04.14.0', 'a part has a leading zero'],
    ['4.014.0', 'a part has a leading zero'],
    ['4.14.00', 'a part has a leading zero'],
    ['', 'it is empty'],
    ['   ', 'it is empty'],
    [' 4.14.0', 'it has to begin with a number'],
    ['4.14.0 ', '" " is not a qualifier'],
    ['4. 14.0', 'a part is empty'],
    ['4..0', 'a part is empty'],
    ['4.14.', 'a part is empty'],
    ['4.14.0-', '"-" is not a qualifier'],
    ['4.14.0rc1', '"rc1" is not a qualifier'],
    ['4.14.0-a b', '"-a b" is not a qualifier'],
    ['4.14.0-ü', '"-ü" is not a qualifier'],
    ['latest', 'it has to begin with a number'],
    ['1e3.0.0', 'it has 1 part'],
    ['٤.١٤.٠', 'it has to begin with a number'],
  ])('refuses %j and says why', (text, reason) => {
    expect(() => parseVersion(text)).toThrow(VersionError);
    expect(() => parseVersion(text)).toThrow(reason);
    expect(() => parseVersion(text)).toThrow(JSON.stringify(text));
    expect(tryParseVersion(text)).toBeNull();
  });

  test('refuses overlong text without repeating it', () => {
    const longest = `4.14.0-${'x'.repeat(MAX_VERSION_LENGTH - 7)}`;
    expect(printVersion(parseVersion(longest))).toBe(longest);
    expect(() => parseVersion(`${longest}x`)).toThrow(
      new VersionError('a version has at most 64 characters, this has 65'),
    );
    expect(() => parseVersion('9'.repeat(1_000_000))).toThrow('this has 1000000');
  });

  test('what is printed is parsed again to the same', () => {
    fc.assert(
      fc.property(version, (one) => {
        expect(parseVersion(printVersion(one))).toEqual(one);
      }),
    );
  });

  test('any text either prints back as it was or is refused with a VersionError', () => {
    const nearly = fc
      .array(fc.constantFrom('4', '14', '0', '.', '-', '+', 'v', ' ', 'HBase', '99999999999999999999', '_'))
      .map((parts) => parts.join(''));
    const seen = { parsed: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), nearly, version.map(printVersion)), (text) => {
        try {
          expect(printVersion(parseVersion(text))).toBe(text);
          seen.parsed++;
        } catch (error) {
          expect(error).toBeInstanceOf(VersionError);
          seen.refused++;
        }
      }),
      { numRuns: 2_000 },
    );
    expect(seen.parsed).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(100);
  });
});

describe('release lines', () => {
  test('are read and printed', () => {
    expect(parseMinor('4.14')).toEqual({ major: 4, minor: 14 });
    expect(printMinor(parseVersion('4.14.2-HBase-1.4'))).toBe('4.14');
  });

  test.each(['4', '4.14.0', 'v4.14', '4.014', '-4.1', '4.-1', '4.1234567890', '', ' 4.14', '4.14 ', '4.x'])(
    'refuses %j',
    (text) => {
      expect(() => parseMinor(text)).toThrow(
        new VersionError(`${JSON.stringify(text)} is not a release line major.minor, such as 4.14`),
      );
    },
  );
});

describe('comparing', () => {
  test.each([
    ['4.14.0', '4.15.0'],
    ['4.9.0', '4.10.0'],
    ['4.14.9', '4.14.10'],
    ['4.16.3', '5.0.0'],
  ])('%s is older than %s', (older, newer) => {
    expect(compareVersions(parseVersion(older), parseVersion(newer))).toBeLessThan(0);
    expect(compareVersions(parseVersion(newer), parseVersion(older))).toBeGreaterThan(0);
  });

  test.each(['4.14.0-HBase-1.4', '4.14.0-cdh5.14.2', '4.14.0-SNAPSHOT', '4.14.0+7'])(
    'the qualifier of %s does not count',
    (text) => {
      expect(compareVersions(parseVersion(text), parseVersion('4.14.0'))).toBe(0);
      expect(compareVersions(parseVersion(text), parseVersion('4.13.9'))).toBeGreaterThan(0);
    },
  );

  test('is a total order that agrees with semver where there is no qualifier', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(semver.compare(printCore(a), printCore(b)));
        expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0);
        const [first, second, third] = [a, b, c].sort(compareVersions) as [Version, Version, Version];
        expect(compareVersions(first, second)).toBeLessThanOrEqual(0);
        expect(compareVersions(second, third)).toBeLessThanOrEqual(0);
        expect(compareVersions(first, third)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('release lines compare without the patch', () => {
    expect(compareMinors(parseVersion('4.14.0'), parseVersion('4.14.9'))).toBe(0);
    expect(compareMinors(parseMinor('4.14'), parseMinor('5.0'))).toBeLessThan(0);
  });

  test('extremes of a set do not depend on its order', () => {
    const [a, b, c] = ['4.15.0', '4.9.1', '4.14.2'].map(parseVersion) as [Version, Version, Version];
    for (const set of [
      [a, b, c],
      [c, b, a],
      [b, a, c],
    ] as const)
      expect(extremes(set)).toEqual({ oldest: b, newest: a });
    expect(extremes([a])).toEqual({ oldest: a, newest: a });
  });
});
