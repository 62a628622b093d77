/** The tables of a report, for the terminal and for the page. */
import { seconds } from '../../config/units.ts';
import type { Report } from '../run.ts';
import { eventsOf } from './events.ts';
import type { Summary } from './summary.ts';

export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
  /** What the first of each row was told, where that is to be said. */
  readonly sentences?: readonly string[];
  /** Said instead of a table without rows; null: then the section is left out. */
  readonly none: string | null;
}

/** The tables of a report. @param steps whether its timeline lists the steps, or only what came of them */
export function sectionsOf(report: Report, summary: Summary, steps = true): Section[] {
  const { decisions, refusals, upgrades, drops } = summary;
  return [
    {
      title: 'Failed expectations',
      head: ['field', 'expected', 'found'],
      rows: report.failures.map(({ field, expected, found }) => [
        field,
        said(expected, field),
        said(found, field),
      ]),
      none: null,
    },
    {
      title: 'Timeline',
      head: ['time', 'what'],
      rows: eventsOf(report, summary)
        .filter(({ kind }) => steps || kind !== 'step')
        .map(({ at, what }) => [clock(at), what]),
      none: null,
    },
    {
      title: 'Decisions',
      head: ['client', 'groups', 'verdict', 'code', 'count', 'waited first'],
      rows: decisions.map(({ client, groups, verdict, code, count, waited }) => [
        client,
        groups.join(', '),
        verdict,
        code,
        String(count),
        waited === 0 ? '' : String(waited),
      ]),
      none: 'No client came.',
    },
    {
      title: 'Refused',
      head: ['client', 'code', 'rule', 'count', 'who must move', 'retry'],
      rows: refusals.map(({ client, code, rule, count, move, retry }) => [
        client,
        code,
        rule,
        String(count),
        move || 'nobody',
        retry,
      ]),
      sentences: refusals.map(({ message }) => message),
      none: 'Nobody was refused.',
    },
    {
      title: 'Upgrades of the system tables',
      head: ['to', 'level', 'brought by', 'attempt', 'begun', 'took', 'outcome'],
      rows: upgrades.map(({ to, fromLevel, level, client, attempt, begin, end, outcome, error }) => [
        to,
        `${fromLevel ?? '?'} to ${level}`,
        `client ${client}`,
        String(attempt),
        clock(begin),
        end === null ? '' : seconds(end - begin),
        error === null ? outcome : `${outcome}: ${error}`,
      ]),
      none: 'None ran.',
    },
    {
      title: 'Dropped sessions',
      head: ['time', 'client', 'sessions'],
      rows: drops.map(({ at, client, count }) => [clock(at), client, String(count)]),
      none: 'None.',
    },
  ];
}

/** Seconds with one decimal: `12.3 s`. */
export function clock(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** A value of a field as the scenario file would have it. */
export function said(value: unknown, field: string): string {
  if (typeof value === 'number' && field.endsWith('.longestWait')) return seconds(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
