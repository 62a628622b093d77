/** Options that several commands take, and the error of a command line that can't be meant. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/units.ts';

/** The command line can't be meant: status 2. Its message says what would have been right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The parser of an option that is a whole number. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

/** The parser of an option that is a duration. Returns ms. */
export function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('Expected a duration such as 500ms, 15s or 10m.');
  return ms;
}

/** The parser of an option that may be repeated; absent, its value is undefined. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}
