/** What was typed can't be meant: status 2. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/units.ts';

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}

/** ms */
export function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('It is a duration such as 500ms, 15s or 10m.');
  return ms;
}

export function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}
