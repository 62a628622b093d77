/**
 * The picture of a report, as SVG: lanes over one time axis. Servers (and gates, where they matter) as bars by
 * version, open sessions as areas by client version, refusals and dropped sessions as marks, upgrades as bands.
 */
import { seconds } from '../../config/units.ts';
import { escapeMarkup } from '../../report/escape.ts';
import type { Report } from '../run.ts';
import type { StateSpan } from '../state-timeline.ts';
import { clustered, coloursOf, type Mark, refusalMarks, sessionsOver, waitingOver } from './series.ts';
import type { Summary } from './summary.ts';
import { inWords } from './words.ts';

export interface ChartOptions {
  /** px */
  readonly width: number;
  /** Of ids in this picture: two on one page must not share them. */
  readonly prefix: string;
}

interface Frame {
  readonly report: Report;
  readonly summary: Summary;
  readonly left: number;
  readonly right: number;
  /** Of ms since the start. */
  readonly x: (ms: number) => number;
  readonly colour: (version: string) => number;
  readonly prefix: string;
}

/** What is drawn, and how much height it takes. */
interface Lane {
  readonly height: number;
  readonly draw: (top: number) => string;
}

const SPACE: Lane = { height: 6, draw: () => '' };
const GUTTER = 52;
const MARGIN = 12;
const BAR = 20;
const GAP = 5;
const AREA = 130;
/** Width of the span of a server that leaves at once, so that it can be seen, px. */
const SLIVER = 4;
/** px between two marks that are drawn apart. */
const APART = 7;
/** Approximate width of a character of a label, px. */
const LETTER = 6.7;

/** The picture as an SVG element, `options.width` px wide. */
export function drawChart(report: Report, summary: Summary, { width, prefix }: ChartOptions): string {
  const [left, right] = [GUTTER, width - MARGIN];
  const duration = Math.max(1, summary.duration);
  const frame: Frame = {
    report,
    summary,
    left,
    right,
    x: (ms) => round(left + (Math.min(Math.max(ms, 0), duration) / duration) * (right - left)),
    colour: coloursOf(report),
    prefix,
  };
  const lanes = lanesOf(frame);
  const head = summary.upgrades.length > 0 ? 22 : 8;
  let top = head;
  const drawn = lanes.map(({ height, draw }) => {
    const part = draw(top);
    top += height;
    return part;
  });
  const height = top + 26;
  return [
    `<svg class="chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${prefix}-title ${prefix}-words">`,
    `<title id="${prefix}-title">${escapeMarkup(`Timeline of ${summary.name}`)}</title>`,
    `<desc id="${prefix}-words">${escapeMarkup(inWords(report, summary))}</desc>`,
    `<defs><pattern id="${prefix}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch" width="3" height="6"/></pattern></defs>`,
    drawAxis(frame, head, top),
    drawUpgrades(frame, head, top),
    ...drawn,
    '</svg>',
  ].join('\n');
}

function lanesOf(frame: Frame): Lane[] {
  const { report } = frame;
  const servers = report.nodes.filter(({ version }) => version !== null);
  const gates = report.nodes.filter(({ version }) => version === null);
  const eventful = gates.some(({ state }) => state !== 'up') || new Set(gates.map(({ id }) => id)).size > 1;
  const gap = (APART / (frame.right - frame.left)) * Math.max(1, frame.summary.duration);
  const dropped = clustered(frame.summary.drops, gap);
  return [
    title('Servers', frame),
    ...barLanes(servers, frame),
    ...(eventful ? [title('Gates', frame), ...barLanes(gates, frame)] : []),
    SPACE,
    sessionsLane(frame),
    ...[...refusalMarks(report, gap)].map(([code, marks]) =>
      marksLane(`Refused: ${code}`, marks, 'refused', frame),
    ),
    ...(dropped.length > 0 ? [marksLane('Dropped sessions', dropped, 'dropped', frame)] : []),
  ];
}

function title(text: string, { left }: Frame): Lane {
  return { height: 20, draw: (top) => label(left, top + 14, text, 'lane') };
}

function barLanes(spans: readonly StateSpan[], frame: Frame): Lane[] {
  return [...Map.groupBy(spans, ({ id }) => id)].map(([id, own]) => ({
    height: BAR + GAP,
    draw: (top) =>
      [
        `<text class="id" x="${frame.left - 6}" y="${top + 14}">${escapeMarkup(id)}</text>`,
        // Those that leave come last: what is brief lies above what follows it.
        ...own
          .map((span, at) => ({ span, before: own[at - 1] }))
          .sort((one, other) => Number(one.span.state === 'leaving') - Number(other.span.state === 'leaving'))
          .map(({ span, before }) => drawBar(span, before, top, frame)),
      ].join(''),
  }));
}

function drawBar(
  span: StateSpan,
  before: StateSpan | undefined,
  top: number,
  { x, report, colour, prefix }: Frame,
): string {
  const { id, version, state } = span;
  const [from, to] = [span.from - report.start, (span.to ?? report.end) - report.start];
  const [left, width] = [x(from), round(Math.max(state === 'leaving' ? SLIVER : 1, x(to) - x(from)))];
  const box = `x="${left}" y="${top}" width="${width}" height="${BAR}" rx="3"`;
  const words = `${id}${version === null ? '' : ` ${version}`} ${state}, ${seconds(from)} to ${seconds(to)}`;
  const hint = `<title>${escapeMarkup(words)}</title>`;
  if (state === 'down')
    return `<g>${hint}<rect class="down" ${box}/>${caption('down', left, width, top, 'dim')}</g>`;
  const shade = version === null ? 'gate' : `v${colour(version)}`;
  const bar = `<rect class="bar ${shade}" ${box}/>`;
  const over = state === 'up' ? '' : `<rect fill="url(#${prefix}-hatch)" ${box}/>`;
  const text = state === 'paused' ? 'paused' : (version ?? '');
  const known = state === 'leaving' && before?.state === 'up' && before.version === version;
  return `<g>${hint}${bar}${over}${known ? '' : caption(text, left, width, top, 'on')}</g>`;
}

/** Inside a bar, where there is room. */
function caption(text: string, left: number, width: number, top: number, kind: string): string {
  if (text === '' || width < text.length * LETTER + 10) return '';
  return `<text class="caption ${kind}" x="${round(left + 6)}" y="${top + 14}">${escapeMarkup(text)}</text>`;
}

function sessionsLane(frame: Frame): Lane {
  const { left, right, report, colour } = frame;
  const columns = Math.round(right - left);
  const series = sessionsOver(report, columns);
  const waiting = waitingOver(report, columns).values;
  const totals = Array.from({ length: columns }, (_, at) =>
    series.reduce((sum, { values }) => sum + (values[at] as number), 0),
  );
  const peak = Math.max(1, ...totals, ...waiting);
  const draw = (top: number) => {
    const [head, foot] = [top + 24, top + 24 + AREA];
    const y = (count: number) => round(foot - (count / peak) * AREA);
    const below = new Array<number>(columns).fill(0);
    const areas = series.map(({ name, values }) => {
      const lower = [...below];
      for (const [at, value] of values.entries()) below[at] = (below[at] as number) + value;
      const edge = stairs(below, left, y);
      const back = stairs(lower, left, y, true);
      return `<path class="area v${colour(name)}" d="M${edge}L${back}Z"><title>${escapeMarkup(`sessions of ${name} clients, at most ${Math.max(...values)}`)}</title></path>`;
    });
    const held = humps(waiting).map(
      ([from, to]) =>
        `<path class="waiting" d="M${left + from} ${foot}L${stairs(waiting.slice(from, to), left + from, y)}V${foot}"><title>clients that wait, at most ${Math.max(...waiting.slice(from, to))}</title></path>`,
    );
    return [
      label(left, top + 14, 'Open sessions', 'lane'),
      `<path class="grid" d="M${left} ${head}H${right}M${left} ${foot}H${right}"/>`,
      `<text class="id" x="${left - 6}" y="${head + 4}">${peak}</text>`,
      `<text class="id" x="${left - 6}" y="${foot + 4}">0</text>`,
      ...areas,
      ...held,
    ].join('');
  };
  return { height: 24 + AREA + 12, draw };
}

/** Where values are above zero: from, and up to but not including. */
function humps(values: readonly number[]): Array<[number, number]> {
  const found: Array<[number, number]> = [];
  let from: number | null = null;
  for (const [at, value] of [...values, 0].entries()) {
    if (value > 0) from ??= at;
    else if (from !== null) {
      found.push([from, at]);
      from = null;
    }
  }
  return found;
}

/** A line of steps through a value for each px; only where it changes. */
function stairs(values: readonly number[], left: number, y: (count: number) => number, back = false): string {
  const points: string[] = [];
  for (const [at, value] of values.entries()) {
    if (at > 0 && value === values[at - 1]) continue;
    if (at > 0) points.push(`${left + at} ${y(values[at - 1] as number)}`);
    points.push(`${left + at} ${y(value)}`);
  }
  points.push(`${left + values.length} ${y(values.at(-1) ?? 0)}`);
  return (back ? points.reverse() : points).join('L');
}

function marksLane(
  text: string,
  marks: readonly Mark[],
  kind: 'refused' | 'dropped',
  { left, right, x }: Frame,
): Lane {
  const total = marks.reduce((sum, { count }) => sum + count, 0);
  const draw = (top: number) => {
    const middle = top + 27;
    const shapes = marks.map(({ at, count }) => {
      const size = Math.min(7, 3 + Math.log2(count + 1));
      const where = x(at);
      const words = `<title>${count} at ${seconds(Math.round(at / 100) * 100)}</title>`;
      return kind === 'refused'
        ? `<circle class="refused" cx="${where}" cy="${middle}" r="${round(size)}">${words}</circle>`
        : `<path class="dropped" d="M${where - 5} ${middle - 5}l10 10m0 -10l-10 10">${words}</path>`;
    });
    return [
      label(left, top + 14, `${text} (${total})`, 'lane'),
      `<path class="grid" d="M${left} ${middle}H${right}"/>`,
      ...shapes,
    ].join('');
  };
  return { height: 40, draw };
}

function drawUpgrades({ summary, x, left, right }: Frame, head: number, foot: number): string {
  let free = left;
  return summary.upgrades
    .map(({ begin, end, level, outcome }) => {
      const [from, to] = [x(begin), x(end ?? summary.duration)];
      const words = `upgrade to level ${level}${outcome === 'done' ? '' : `, ${outcome}`}`;
      const room = words.length * LETTER;
      // Beside the band's left edge, unless the picture ends there.
      const at = Math.min(from, right - room);
      const text = at >= free ? label(round(at), head - 9, words, 'upgrade') : '';
      if (at >= free) free = at + room;
      return `<g><title>${escapeMarkup(words)}</title><rect class="band ${outcome}" x="${from}" y="${head - 4}" width="${round(Math.max(2, to - from))}" height="${foot - head + 4}"/>${text}</g>`;
    })
    .join('');
}

const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400];
/** px between two ticks, at least. */
const TICK_GAP = 70;

function drawAxis({ summary, left, right, x }: Frame, head: number, foot: number): string {
  const most = Math.max(2, Math.floor((right - left) / TICK_GAP));
  const span = summary.duration / 1_000;
  const step = TICKS.find((candidate) => span / candidate <= most) ?? span / most;
  const ticks = Array.from({ length: Math.floor(span / step) + 1 }, (_, at) => at * step * 1_000);
  return ticks
    .map((at) => {
      const where = x(at);
      return `<path class="grid" d="M${where} ${head}V${foot + 4}"/><text class="tick" x="${where}" y="${foot + 18}">${seconds(at)}</text>`;
    })
    .join('');
}

function label(x: number, y: number, text: string, kind: string): string {
  return `<text class="${kind}" x="${x}" y="${y}">${escapeMarkup(text)}</text>`;
}

const round = (px: number) => Math.round(px * 10) / 10;
