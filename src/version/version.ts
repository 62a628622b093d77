/**
 * Versions as the policy sees them: `major.minor.patch` with an optional qualifier that is shown and never compared.
 * Distributions of Phoenix append `-HBase-1.4`, `-cdh5.14.2` or `-SNAPSHOT`; to plain semver those would be
 * prereleases, older than the release itself.
 */

/** A version taken apart. The three numbers are compared; the qualifier is only shown. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** With its leading `-` or `+`; empty when there is none. */
  readonly qualifier: string;
}

/** A minor release line, such as 4.14. */
export interface Minor {
  readonly major: number;
  readonly minor: number;
}

/** A text that is not a version or a release line. The message quotes the text and says what is wrong with it. */
export class VersionError extends Error {
  override readonly name = 'VersionError';
}

/** No version that a person writes is longer; bounds what a hello may carry. */
export const MAX_VERSION_LENGTH = 64;

/**
 * The grammar of a version as a regular expression for other languages: what it cannot say is that each number is at
 * most 2^53 - 1 and the whole has at most 64 characters.
 */
export const VERSION_PATTERN =
  '^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)([-+][0-9A-Za-z][0-9A-Za-z.+_-]*)?$';
const GRAMMAR = new RegExp(VERSION_PATTERN);

/**
 * Reads `major.minor.patch`, each a decimal number of at most 2^53 - 1 without leading zeros, perhaps followed by a
 * qualifier: `-` or `+`, a letter or digit, then letters, digits, `.`, `+`, `_` and `-`.
 * @throws {VersionError} saying what is wrong with `text`.
 */
export function parseVersion(text: string): Version {
  if (text.length > MAX_VERSION_LENGTH)
    throw new VersionError(`a version has at most ${MAX_VERSION_LENGTH} characters, this has ${text.length}`);
  const [, major, minor, patch, qualifier = ''] = GRAMMAR.exec(text) ?? [];
  const version = { major: Number(major), minor: Number(minor), patch: Number(patch), qualifier };
  if (![version.major, version.minor, version.patch].every(Number.isSafeInteger))
    throw new VersionError(`${JSON.stringify(text)} is not a version: ${fault(text)}`);
  return version;
}

function fault(text: string): string {
  const cut = text.search(/[^0-9.]/);
  const core = cut < 0 ? text : text.slice(0, cut);
  if (text.trim() === '') return 'it is empty';
  if (/^[vV=]/.test(text)) return `leave out the ${JSON.stringify(text[0])}`;
  if (/^(\d*\.)*-/.test(text)) return 'a part is negative';
  if (core === '') return 'it has to begin with a number, as in 4.14.0';
  const parts = core.split('.');
  if (parts.includes('')) return 'a part is empty';
  if (parts.length !== 3)
    return `it has ${parts.length} ${parts.length === 1 ? 'part' : 'parts'}, not the 3 of major.minor.patch`;
  if (parts.some((part) => part.length > 1 && part.startsWith('0'))) return 'a part has a leading zero';
  if (parts.some((part) => !Number.isSafeInteger(Number(part)))) return 'a part is too large';
  return `${JSON.stringify(text.slice(core.length))} is not a qualifier such as "-HBase-1.4"`;
}

/** As `parseVersion`, but null for a text that is not a version. */
export function tryParseVersion(text: string): Version | null {
  try {
    return parseVersion(text);
  } catch {
    return null;
  }
}

/** `4.14` to a release line. @throws {VersionError} */
export function parseMinor(text: string): Minor {
  if (!/^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/.test(text))
    throw new VersionError(`${JSON.stringify(text)} is not a release line major.minor, such as 4.14`);
  const [major, minor] = text.split('.').map(Number) as [number, number];
  return { major, minor };
}

/** `major.minor.patch` with the qualifier, as the other side wrote it. */
export function printVersion(version: Version): string {
  return `${printCore(version)}${version.qualifier}`;
}

/** Without the qualifier. */
export function printCore(version: Version): string {
  return `${version.major}.${version.minor}.${version.patch}`;
}

/** `major.minor`, such as `4.14`. */
export function printMinor(line: Minor): string {
  return `${line.major}.${line.minor}`;
}

/** By major, then minor: negative, zero or positive. */
export function compareMinors(a: Minor, b: Minor): number {
  return a.major - b.major || a.minor - b.minor;
}

/** By major, minor, patch; the qualifier does not count. */
export function compareVersions(a: Version, b: Version): number {
  return compareMinors(a, b) || a.patch - b.patch;
}

/** The first release of a line: 4.14 becomes 4.14.0. */
export function firstOf(line: Minor): Version {
  return { major: line.major, minor: line.minor, patch: 0, qualifier: '' };
}

/** The least and the greatest of a non-empty list. */
export function extremes(versions: readonly [Version, ...Version[]]): { oldest: Version; newest: Version } {
  return {
    oldest: versions.reduce((least, version) => (compareVersions(version, least) < 0 ? version : least)),
    newest: versions.reduce((most, version) => (compareVersions(version, most) >= 0 ? version : most)),
  };
}
