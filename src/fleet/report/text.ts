/** The report for a terminal. */
import { plural, seconds } from '../../config/units.ts';
import type { Report } from '../run.ts';
import { type Section, sectionsOf } from './sections.ts';
import type { Summary } from './summary.ts';

/** Properties of the terminal. */
export interface Pen {
  readonly table: (rows: ReadonlyArray<readonly string[]>) => string;
  readonly paint: (colour: 'bold' | 'green' | 'red', text: string) => string;
}

/** The report as text. @param steps whether its timeline lists the steps: not if they were printed as they were done */
export function printReport(report: Report, summary: Summary, pen: Pen, steps = true): string {
  return [
    ...sectionsOf(report, summary, steps).flatMap((section) => printSection(section, pen)),
    verdict(report, summary, pen),
  ].join('\n');
}

function printSection({ title, head, rows, none, sentences = [] }: Section, { table, paint }: Pen): string[] {
  if (rows.length === 0) return none === null ? [] : [`${paint('bold', `${title}:`)} ${lower(none)}`, ''];
  const said = sentences.map((sentence, at) => `  ${rows[at]?.[0]}: ${sentence}`);
  return [paint('bold', title), indent(table([head, ...rows])), ...said, ''];
}

function verdict({ checks, failures, name }: Report, summary: Summary, { paint }: Pen): string {
  const { admitted, refused, dropped, lost, duration, mode, seed } = summary;
  const counts = `${admitted} admitted, ${refused} refused, ${dropped} dropped${lost > 0 ? `, ${lost} lost` : ''}`;
  const how = `${seconds(Math.round(duration / 100) * 100)} of ${mode} time, seed ${seed}`;
  const result =
    failures.length === 0
      ? paint('green', `passed ${name}`)
      : paint('red', `FAILED ${name}: ${failures.length} of ${plural(checks.length, 'expectation')}`);
  return `${result} (${counts}; ${how})`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n');
}

function lower(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
