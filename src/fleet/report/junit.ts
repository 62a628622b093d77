/** The report for CI: JUnit XML, a test suite for each scenario, a test case for each expectation. */

import { escapeMarkup } from '../../report/escape.ts';
import type { Check } from '../expectations.ts';
import type { Finished } from './json.ts';
import { said } from './sections.ts';

/** The report as JUnit XML text. */
export function junitReport(runs: readonly Finished[]): string {
  const total = { tests: 0, failures: 0, time: 0 };
  const suites = runs.map((run) => {
    const cases = casesOf(run);
    const failures = cases.filter(({ holds }) => !holds).length;
    const time = run.summary.duration / 1_000;
    total.tests += cases.length;
    total.failures += failures;
    total.time += time;
    return [
      `  <testsuite${attributes({ name: run.summary.name, tests: cases.length, failures, errors: 0, skipped: 0, time: time.toFixed(3) })}>`,
      '    <properties>',
      ...(['mode', 'seed', 'admitted', 'refused', 'dropped', 'lost', 'level'] as const).map(
        (name) => `      <property${attributes({ name, value: String(run.summary[name]) })}/>`,
      ),
      '    </properties>',
      ...cases.map((check) => printCase(check, run)),
      '  </testsuite>',
    ].join('\n');
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'skewgate', tests: total.tests, failures: total.failures, time: total.time.toFixed(3) })}>`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

/** A scenario that expects nothing still counts as one test case: it was played to its end. */
function casesOf({ report }: Finished): readonly Check[] {
  if (report.checks.length > 0) return report.checks;
  return [{ field: 'played to its end', expected: true, found: true, holds: true }];
}

function printCase({ field, expected, found, holds }: Check, { file, summary }: Finished): string {
  const open = `    <testcase${attributes({ name: field, classname: summary.name, file, time: '0.000' })}`;
  if (holds) return `${open}/>`;
  const message = `expected ${said(expected, field)}, found ${said(found, field)}`;
  return [
    `${open}>`,
    `      <failure${attributes({ type: 'expectation', message })}>${escapeMarkup(`${field}: ${message}`)}</failure>`,
    '    </testcase>',
  ].join('\n');
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeMarkup(String(value))}"`)
    .join('');
}
