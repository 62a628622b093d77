/** Pictures of how a figure grows, as SVG that needs nothing but itself: lines over an axis, linear or logarithmic. */
import { escapeMarkup } from '../../src/report/escape.ts';
import { compact } from '../markdown.ts';

export interface Axis {
  readonly title: string;
  readonly logarithmic?: boolean;
}

export interface Series {
  readonly name: string;
  readonly points: ReadonlyArray<readonly [x: number, y: number]>;
}

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 300;
const FRAME = { left: 70, right: 700, top: 34, bottom: 250 };
const COLOURS = ['#0f6cbd', '#a85a00', '#0b7a75', '#a8326f', '#5a6b8c'];
const STYLE =
  'text{font:12px system-ui,sans-serif;fill:#1b1f24}.soft{fill:#5c6670}.grid{stroke:#dfe3e8}.line{fill:none;stroke-width:2}' +
  '@media(prefers-color-scheme:dark){text{fill:#e8ebef}.soft{fill:#a3adb8}.grid{stroke:#343b44}}';

/** One picture of one chart, or of several below each other. */
export function drawCharts(charts: readonly Chart[]): string {
  const height = HEIGHT * charts.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escapeMarkup(charts.map(({ title }) => title).join('; '))}</title>`,
    `<style>${STYLE}</style>`,
    ...charts.map((chart, at) => `<g transform="translate(0 ${HEIGHT * at})">${drawChart(chart)}</g>`),
    '</svg>\n',
  ].join('\n');
}

function drawChart({ title, x, y, series }: Chart): string {
  const points = series.flatMap((each) => each.points);
  const across = scaleOf(
    points.map(([at]) => at),
    x,
    [FRAME.left, FRAME.right],
  );
  const up = scaleOf([...points.map(([, value]) => value), ...(y.logarithmic ? [] : [0])], y, [
    FRAME.bottom,
    FRAME.top,
  ]);
  return [
    `<text x="${FRAME.left}" y="18" font-weight="600">${escapeMarkup(title)}</text>`,
    ...across.ticks.map((tick) => {
      const at = across.place(tick);
      return `<path class="grid" d="M${at} ${FRAME.top}V${FRAME.bottom}"/><text class="soft" x="${at}" y="${FRAME.bottom + 16}" text-anchor="middle">${compact(tick)}</text>`;
    }),
    ...up.ticks.map((tick) => {
      const at = up.place(tick);
      return `<path class="grid" d="M${FRAME.left} ${at}H${FRAME.right}"/><text class="soft" x="${FRAME.left - 6}" y="${at + 4}" text-anchor="end">${compact(tick)}</text>`;
    }),
    `<text class="soft" x="${FRAME.right}" y="${FRAME.bottom + 34}" text-anchor="end">${escapeMarkup(x.title)}</text>`,
    `<text class="soft" x="${FRAME.right}" y="18" text-anchor="end">${escapeMarkup(y.title)}</text>`,
    ...series.map((each, at) => drawLine(each, at, across.place, up.place)),
  ].join('\n');
}

function drawLine(
  { name, points }: Series,
  at: number,
  across: (value: number) => number,
  up: (value: number) => number,
): string {
  const colour = COLOURS[at % COLOURS.length] as string;
  const path = points.map(([x, y]) => `${across(x)} ${up(y)}`).join('L');
  const where = FRAME.left + at * 130;
  return [
    ...(points.length > 0 ? [`<path class="line" stroke="${colour}" d="M${path}"/>`] : []),
    ...(points.length > 40
      ? []
      : points.map(
          ([x, y]) =>
            `<circle fill="${colour}" cx="${across(x)}" cy="${up(y)}" r="3"><title>${escapeMarkup(`${name}: ${compact(y)} at ${compact(x)}`)}</title></circle>`,
        )),
    `<path class="line" stroke="${colour}" d="M${where} ${FRAME.bottom + 30}h16"/><text x="${where + 22}" y="${FRAME.bottom + 34}">${escapeMarkup(name)}</text>`,
  ].join('');
}

interface Scale {
  readonly ticks: readonly number[];
  /** px */
  readonly place: (value: number) => number;
}

function scaleOf(values: readonly number[], axis: Axis, [from, to]: readonly [number, number]): Scale {
  const shown = axis.logarithmic ? values.filter((value) => value > 0) : values;
  const [low, high] = shown.length === 0 ? [1, 2] : [Math.min(...shown), Math.max(...shown)];
  const ticks = axis.logarithmic ? powersOver(low, high) : stepsOver(low, high);
  const size = (value: number) => (axis.logarithmic ? Math.log10(value) : value);
  const [least, most] = [
    size(Math.min(low, ticks[0] as number)),
    size(Math.max(high, ticks.at(-1) as number)),
  ];
  const place = (value: number) =>
    Math.round((from + ((size(value) - least) / (most - least || 1)) * (to - from)) * 10) / 10;
  return { ticks, place };
}

/** 1, 10, 100 …, the ends included. */
function powersOver(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  return Array.from({ length: Math.max(1, last - first) + 1 }, (_, at) => 10 ** (first + at));
}

/** About five even steps of 1, 2 or 5. */
function stepsOver(low: number, high: number): number[] {
  const rough = (high - low || Math.abs(high) || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((each) => each * power >= rough) as number) * power;
  const first = Math.floor(low / step);
  return Array.from({ length: Math.ceil(high / step) - first + 1 }, (_, at) => (first + at) * step);
}
