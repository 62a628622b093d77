/** The report for programs: one object, with an entry for each scenario. Times are ms since its start. */
import type { Report } from '../run.ts';
import { eventsOf } from './events.ts';
import type { Summary } from './summary.ts';

export interface Finished {
  /** Of the scenario. */
  readonly file: string;
  readonly report: Report;
  readonly summary: Summary;
}

/** The report as JSON text. */
export function jsonReport(runs: readonly Finished[]): string {
  return JSON.stringify(
    {
      passed: runs.every(({ summary }) => summary.passed),
      scenarios: runs.map(({ file, report, summary }) => ({
        file,
        ...summary,
        expectations: report.checks,
        timeline: eventsOf(report, summary),
        nodes: report.nodes.map(({ from, to, ...span }) => ({
          ...span,
          from: from - report.start,
          to: (to ?? report.end) - report.start,
        })),
      })),
    },
    null,
    2,
  );
}
