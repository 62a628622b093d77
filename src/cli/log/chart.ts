/** The picture of a log: for each span of time, how many clients were refused, by code, and how many were admitted. */
import { escapeMarkup } from '../../report/escape.ts';
import { clockOf, dayOf, type TimeZone } from '../log-lines.ts';
import type { Bucket } from './buckets.ts';

export interface ChartOptions {
  /** px */
  readonly width: number;
  /** Columns, at most. */
  readonly columns: number;
  /** Codes in the order of their colours; any others share the last. */
  readonly codes: readonly string[];
  readonly zone: TimeZone;
  /** Class that says for which windows it is. */
  readonly kind: 'wide' | 'narrow';
}

interface Column {
  admitted: number;
  /** By code, in the order of the options. */
  readonly refused: number[];
}

const LEFT = 44;
const RIGHT = 8;
/** px of each of the two strips, and of what is between and below them. */
const REFUSED_HEIGHT = 150;
const ADMITTED_HEIGHT = 60;
const GAP = 34;
const TOP = 20;
const BOTTOM = 24;

/** An SVG element. Refused clients are stacked above, admitted ones stand below on a scale of their own. */
export function drawLog(buckets: readonly Bucket[], bucketWidth: number, options: ChartOptions): string {
  const { width, zone, kind } = options;
  const { columns, from, span } = columnsOf(buckets, bucketWidth, options);
  const step = (width - LEFT - RIGHT) / columns.length;
  const mostRefused = Math.max(1, ...columns.map(({ refused }) => sum(refused)));
  const mostAdmitted = Math.max(1, ...columns.map(({ admitted }) => admitted));
  const below = TOP + REFUSED_HEIGHT + GAP;
  const bars = columns.flatMap((column, at) => {
    const x = LEFT + at * step;
    const when = `${dayOf(from + at * span, zone)} ${clockOf(from + at * span, zone).slice(0, 8)}`;
    let y = TOP + REFUSED_HEIGHT;
    const refused = column.refused.map((count, which) => {
      if (count === 0) return '';
      const height = (count / mostRefused) * REFUSED_HEIGHT;
      y -= height;
      const about = `${when}: ${count} × ${options.codes[which] ?? 'others'}`;
      return bar(`v${colourOf(which)}`, x, y, step, height, about);
    });
    const height = (column.admitted / mostAdmitted) * ADMITTED_HEIGHT;
    const about = `${when}: ${column.admitted} admitted`;
    return [
      ...refused,
      column.admitted === 0 ? '' : bar('gate', x, below + ADMITTED_HEIGHT - height, step, height, about),
    ];
  });
  const height = below + ADMITTED_HEIGHT + BOTTOM;
  return `<svg class="chart ${kind}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Refused and admitted clients over time">
<text class="lane" x="${LEFT}" y="${TOP - 7}">refused</text>
<text class="lane" x="${LEFT}" y="${below - 7}">admitted</text>
${axis(TOP, REFUSED_HEIGHT, mostRefused, width)}
${axis(below, ADMITTED_HEIGHT, mostAdmitted, width)}
${bars.join('')}
${ticks(from, span * columns.length, height - 8, options)}
</svg>`;
}

/** Which of the page's eight colours the code at this place has; 0 is left to what is no code. */
export function colourOf(which: number): number {
  return Math.min(which, 6) + 1;
}

function columnsOf(buckets: readonly Bucket[], bucketWidth: number, { columns, codes }: ChartOptions) {
  const from = buckets[0]?.from ?? 0;
  const end = (buckets.at(-1)?.from ?? 0) + bucketWidth;
  const count = Math.max(1, Math.min(columns, Math.round((end - from) / bucketWidth)));
  const span = (end - from) / count;
  const list: Column[] = Array.from({ length: count }, () => ({
    admitted: 0,
    refused: Array.from({ length: codes.length + 1 }, () => 0),
  }));
  for (const { from: at, admitted, codes: counts } of buckets) {
    const column = list[Math.min(count - 1, Math.floor((at - from) / span))] as Column;
    column.admitted += admitted;
    for (const [code, refused] of counts) {
      const known = codes.indexOf(code);
      const which = known < 0 ? codes.length : known;
      column.refused[which] = (column.refused[which] as number) + refused;
    }
  }
  return { columns: list, from, span };
}

function bar(kind: string, x: number, y: number, width: number, height: number, about: string): string {
  const inner = Math.max(1, width - (width > 4 ? 1 : 0));
  return `<rect class="${kind}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${inner.toFixed(1)}" height="${Math.max(1, height).toFixed(1)}"><title>${escapeMarkup(about)}</title></rect>`;
}

/** The base line, and a line with its number at the top. */
function axis(top: number, height: number, most: number, width: number): string {
  const line = (y: number) => `<path class="grid" d="M${LEFT} ${y}H${width - RIGHT}"/>`;
  return `${line(top)}${line(top + height)}<text class="id" x="${LEFT - 6}" y="${top + 4}">${most}</text><text class="id" x="${LEFT - 6}" y="${top + height + 4}">0</text>`;
}

function ticks(from: number, span: number, y: number, { width, zone, kind }: ChartOptions): string {
  const count = kind === 'wide' ? 6 : 3;
  const withDay = dayOf(from, zone) !== dayOf(from + span, zone);
  return Array.from({ length: count }, (_, at) => {
    const share = at / (count - 1);
    const when = from + share * span;
    const clock = clockOf(when, zone).slice(0, span < 10 * 60_000 ? 8 : 5);
    const text = withDay ? `${dayOf(when, zone).slice(5)} ${clock}` : clock;
    const anchor = at === 0 ? 'start' : at === count - 1 ? 'end' : 'middle';
    const x = LEFT + share * (width - LEFT - RIGHT);
    return `<text class="tick" style="text-anchor:${anchor}" x="${x.toFixed(1)}" y="${y}">${text}</text>`;
  }).join('');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
