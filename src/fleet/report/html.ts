/** The report as one page with a picture and tables. It has no scripts, loads nothing, and has a light and a dark style. */
import { plural, seconds } from '../../config/units.ts';
import { escapeMarkup } from '../../report/escape.ts';
import { page } from '../../report/page.ts';
import { drawChart } from './chart.ts';
import type { Finished } from './json.ts';
import { clock, type Section, said, sectionsOf } from './sections.ts';
import { legendOf } from './series.ts';

/** Pictures for wide and for narrow windows, px; the style shows one of them. */
const WIDTHS = { wide: 1_040, narrow: 344 } as const;

/** The page, one article for each scenario; with several, a table of contents first. */
export function htmlReport(runs: readonly Finished[]): string {
  const failed = runs.filter(({ summary }) => !summary.passed).length;
  const only = runs.length === 1 ? (runs[0] as Finished).summary.name : plural(runs.length, 'scenario');
  return page(
    `${failed === 0 ? 'passed' : 'FAILED'}: ${only}`,
    `${runs.length > 1 ? overview(runs, failed) : ''}\n${runs.map(article).join('\n')}`,
  );
}

function overview(runs: readonly Finished[], failed: number): string {
  const rows = runs.map(({ summary }, at) => {
    const link = `<a href="#scenario-${at + 1}">${escapeMarkup(summary.name)}</a>`;
    const counts = [summary.admitted, summary.refused, summary.dropped].map((count) => `<td>${count}</td>`);
    return `<tr><td>${badge(summary.passed)}</td><td>${link}</td>${counts.join('')}</tr>`;
  });
  return `<header><h1>${plural(runs.length, 'scenario')}, ${failed === 0 ? 'all passed' : `${failed} failed`}</h1></header>
<div class="scroll"><table><thead><tr><th>result</th><th>scenario</th><th>admitted</th><th>refused</th><th>dropped</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function article(run: Finished, at: number): string {
  const { report, summary } = run;
  const sections = sectionsOf(report, summary);
  const failures = sections.filter(({ title }) => title === 'Failed expectations');
  return `<article id="scenario-${at + 1}">
<h1>${badge(summary.passed)} ${escapeMarkup(summary.name)}</h1>
${summary.about === null ? '' : `<p>${escapeMarkup(summary.about)}</p>`}
${facts(run)}
${failures.map(section).join('')}
<figure>
${drawChart(report, summary, { width: WIDTHS.wide, prefix: `wide-${at + 1}` }).replace('class="chart"', 'class="chart wide"')}
${drawChart(report, summary, { width: WIDTHS.narrow, prefix: `narrow-${at + 1}` }).replace('class="chart"', 'class="chart narrow"')}
${legend(run)}
</figure>
${sections
  .filter((one) => !failures.includes(one))
  .map(section)
  .join('')}
${expectations(run)}
</article>`;
}

const badge = (passed: boolean) =>
  `<span class="badge ${passed ? 'good' : 'bad'}">${passed ? 'passed' : 'FAILED'}</span>`;

function facts({ summary, file }: Finished): string {
  const { admitted, refused, dropped, lost, upgrades, longestWait, duration, mode, seed } = summary;
  const done = upgrades.filter(({ outcome }) => outcome === 'done').length;
  const tiles: ReadonlyArray<readonly [string, string]> = [
    ['admitted', String(admitted)],
    ['refused', String(refused)],
    ['sessions dropped', String(dropped)],
    ...(lost > 0 ? [['attempts lost', String(lost)] as const] : []),
    ['upgrades done', String(done)],
    ['longest wait', clock(longestWait)],
  ];
  return `<dl class="tiles">${tiles.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>
<p class="small">${escapeMarkup(file)}: ${seconds(Math.round(duration / 100) * 100)} of ${mode} time, seed ${seed}.</p>`;
}

function legend({ report, summary }: Finished): string {
  const items = legendOf(report).map(
    ({ line, colour }) => `<li><span class="swatch v${colour}"></span>${escapeMarkup(line)}</li>`,
  );
  const others = [
    ...(report.nodes.some(({ state }) => state === 'leaving' || state === 'paused')
      ? ['<li><span class="swatch striped"></span>leaving or paused</li>']
      : []),
    ...(report.nodes.some(({ state }) => state === 'down')
      ? ['<li><span class="swatch empty"></span>down</li>']
      : []),
    ...(summary.upgrades.length > 0 ? ['<li><span class="swatch upgrading"></span>upgrade runs</li>'] : []),
    ...(summary.decisions.some(({ waited }) => waited > 0)
      ? ['<li><span class="swatch line"></span>clients that wait</li>']
      : []),
  ];
  return `<figcaption>Colours are release lines, of servers and of clients alike.<ul class="legend">${[...items, ...others].join('')}</ul></figcaption>`;
}

/** Cells that a reader looks for get a colour, chosen by table and column. */
function cellClass(column: string | undefined, text: string): string {
  if (column === 'verdict' && text !== column) return ` class="${text === 'permit' ? 'good' : 'bad'}"`;
  if (column === 'time' || column === 'begun' || column === 'took') return ' class="time"';
  if (text === 'does not hold') return ' class="bad"';
  if (column === 'the first was told' && text !== column) return ' class="told"';
  return column === 'count' || column === 'sessions' || column === 'waited first' ? ' class="number"' : '';
}

function section({ title, head: columns, rows: lines, none, sentences }: Section): string {
  if (lines.length === 0)
    return none === null ? '' : `<h2>${escapeMarkup(title)}</h2><p>${escapeMarkup(none)}</p>`;
  const head = sentences === undefined ? columns : [...columns, 'the first was told'];
  const rows = lines.map((line, at) => (sentences === undefined ? line : [...line, sentences[at] ?? '']));
  const cells = (row: readonly string[]) =>
    row.map((text, at) => `<td${cellClass(head[at], text)}>${escapeMarkup(text)}</td>`).join('');
  return `<h2>${escapeMarkup(title)}</h2>
<div class="scroll"><table><thead><tr>${head.map((text) => `<th scope="col"${cellClass(text, text)}>${escapeMarkup(text)}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody></table></div>
`;
}

function expectations({ report }: Finished): string {
  const rows = report.checks.map(({ field, expected, holds }) => [
    field,
    said(expected, field),
    holds ? 'holds' : 'does not hold',
  ]);
  return section({
    title: 'Expectations',
    head: ['field', 'expected', 'result'],
    rows,
    none: 'None were stated.',
  });
}
