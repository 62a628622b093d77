/** A log file under test, on virtual time, and what became of it. */
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { FileOptions } from '../../src/decision/file.ts';
import { createFileLog } from '../../src/decision/log.ts';
import type { LogRecord } from '../../src/decision/record.ts';
import { Changes } from '../../src/ports/changes.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { until } from '../support/until.ts';

export const IDENTITY = { gate: 'gate1', cluster: 'main' };

export type FileLog = ReturnType<typeof createFileLog>;

export interface Setup {
  readonly log: FileLog;
  readonly clock: VirtualClock;
  /** Messages of onError, null for the end of lastError. */
  readonly troubles: Array<string | null>;
  /** Resolves once `count` of them were told. */
  readonly failing: (count: number) => Promise<void>;
}

export function setUp(
  path: string,
  options: Partial<Pick<FileOptions, 'rotate' | 'keep' | 'durable' | 'buffer'>> = {},
): Setup {
  const clock = new VirtualClock();
  const troubles: Array<string | null> = [];
  const changes = new Changes();
  const log = createFileLog({
    path,
    rotate: 1_048_576,
    keep: 5,
    durable: false,
    buffer: 1_048_576,
    clock,
    identity: IDENTITY,
    onError(error) {
      troubles.push(error?.message ?? null);
      changes.notify();
    },
    ...options,
  });
  const failing = (count: number) => until(changes, () => troubles.length >= count, `${count} troubles`);
  return { log, clock, troubles, failing };
}

/** A record with a number, about 150 bytes long. */
export function record(number: number): LogRecord {
  return {
    event: 'migration',
    ...IDENTITY,
    what: 'restored',
    token: number,
    error: 'x'.repeat(40),
    sessions: 0,
  };
}

type Line = { readonly event: string; readonly time: string; readonly [field: string]: unknown };

/** All lines of FILE.n … FILE.1, FILE, oldest first. @throws if one does not parse. */
export function linesOf(file: string): Line[] {
  const names = [file];
  for (let at = 1; existsSync(`${file}.${at}`); at++) names.unshift(`${file}.${at}`);
  return names.flatMap((name) => parseLines(readFileSync(name, 'utf8')));
}

export function parseLines(text: string): Line[] {
  const lines = text.split('\n');
  const last = lines.pop();
  if (last !== '') throw new Error(`a torn last line: ${last}`);
  return lines.map((line) => JSON.parse(line));
}

/** The numbers of the records among `lines`. */
export function numbersOf(lines: readonly Line[]): number[] {
  return lines.filter(({ event }) => event === 'migration').map(({ token }) => token as number);
}

/** How many records the log itself says are missing. */
export function lostIn(lines: readonly Line[]): number {
  return lines
    .filter(({ event }) => event === 'log-lost')
    .reduce((sum, { lost }) => sum + (lost as number), 0);
}

/** That every record is either in the file, once and in order, or counted as lost. */
export function expectNoneMissing(lines: readonly Line[], total: number): void {
  const numbers = numbersOf(lines);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  expect(numbers.length + lostIn(lines)).toBe(total);
}

export function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => from + at);
}
