/**
 * Ranges of client releases as operators write them, in the syntax of semver: `<4.14`, `4.12.x`, `>=4.10 <4.13 || 5.0`.
 * As everywhere here a qualifier is not looked at; to plain semver it would make a prerelease, which most ranges leave out.
 */
import Range from 'semver/classes/range.js';
import { printCore, type Version } from '../version/version.ts';

/** Tells of a version whether it is in the range. */
export type ClientRange = (version: Version) => boolean;

/** Characters of a range: more than a person writes. */
const MAX_LENGTH = 256;

/** @throws {RangeError} saying what a range looks like */
export function parseClientRange(text: string): ClientRange {
  const range = text.length <= MAX_LENGTH && text.trim() !== '' ? tryRange(text) : null;
  if (range === null)
    throw new RangeError(
      `${JSON.stringify(text.slice(0, MAX_LENGTH))} is not a range of releases such as <4.14 or 4.12.x`,
    );
  return (version) => range.test(printCore(version));
}

function tryRange(text: string): Range | null {
  try {
    return new Range(text);
  } catch {
    return null;
  }
}
