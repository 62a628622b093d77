/** Charts of the last hours, drawn by uPlot; colours are those of the page, light or dark. */

import { h } from './dom.js';
import { colourOf, compareVersions } from './releases.js';
import { cut } from './text.js';
import uPlot from './uplot.js';

/** @import { Charts } from './shapes.ts' */

/**
 * @typedef {{ readonly name: string, readonly colour: string, readonly values: readonly (number | null)[] }} Series
 * @typedef {{ readonly id: string, readonly title: string, readonly series: readonly Series[] }} Chart
 */

/** px */
const HEIGHT = 140;
/** s, below which a count makes no rate. */
const LEAST_S = 5;

/** Drawn pictures, by the id of the chart. @type {Map<string, { plot: uPlot, shape: string }>} */
const drawn = new Map();

/** @param {readonly Chart[]} charts */
export function chartsPanel(charts) {
  return [
    h('h2', { id: 'charts-title' }, 'The last hours'),
    h(
      'div',
      { class: 'charts' },
      charts.map(({ id, title, series }) =>
        h(
          'figure',
          { key: id },
          h(
            'figcaption',
            null,
            h('b', null, title),
            series.map(({ name, colour }) =>
              h('span', { key: name, class: `key ${colour}` }, `${cut(name, 30)} ${last(series, name)}`),
            ),
          ),
          h('div', {
            class: 'plot',
            id: `plot-${id}`,
            role: 'img',
            'aria-label': `${title}: ${words(series)}`,
          }),
        ),
      ),
    ),
  ];
}

/** @param {readonly Series[]} series @param {string} name */
function last(series, name) {
  return series.find((each) => each.name === name)?.values.findLast((value) => value !== null) ?? '–';
}

/** @param {readonly Series[]} series */
function words(series) {
  return series.map(({ name }) => `${cut(name, 30)} ${last(series, name)}`).join(', ');
}

/**
 * @param {Charts} charts
 * @returns {readonly Chart[]}
 */
export function chartsOf({ times, lines, admitted, refused, held }) {
  const names = Object.keys(lines).sort(compareVersions);
  return [
    {
      id: 'sessions',
      title: 'Sessions',
      series: names.map((name) => ({ name, colour: lineColour(name), values: lines[name] ?? [] })),
    },
    {
      id: 'decisions',
      title: 'Clients a minute',
      series: [
        { name: 'admitted', colour: 'good', values: perMinute(times, admitted) },
        { name: 'refused', colour: 'bad', values: perMinute(times, refused) },
      ],
    },
    { id: 'held', title: 'Waiting', series: [{ name: 'held', colour: 'warn', values: held }] },
  ];
}

/**
 * Counts between times as rates; none where there was hardly any time to count in, as before the last of them.
 * @param {readonly number[]} times s
 * @param {readonly (number | null)[]} counts
 */
function perMinute(times, counts) {
  return counts.map((count, at) => {
    const seconds = (times[at] ?? 0) - (times[at - 1] ?? 0);
    return count === null || at === 0 || seconds < LEAST_S ? null : Math.round((count * 60) / seconds);
  });
}

/** @param {string} line */
function lineColour(line) {
  const colour = colourOf(line);
  return colour === null ? 'edge' : `v${colour}`;
}

/**
 * Draws them into the panel that is on the page, or brings what is drawn up to date.
 * @param {readonly number[]} times s since the epoch
 * @param {readonly Chart[]} charts
 */
export function draw(times, charts) {
  for (const { id, series } of charts) {
    const place = document.getElementById(`plot-${id}`);
    if (place === null || place.clientWidth === 0) continue;
    const shape = JSON.stringify([
      place.clientWidth,
      series.map(({ name, colour }) => [name, colour]),
      inkOf('--ink'),
    ]);
    const data = /** @type {uPlot.AlignedData} */ ([times, ...series.map(({ values }) => values)]);
    const old = drawn.get(id);
    if (old?.shape === shape) old.plot.setData(data);
    else {
      old?.plot.destroy();
      drawn.set(id, { plot: new uPlot(options(place.clientWidth, series), data, place), shape });
    }
  }
}

/** @param {number} width @param {readonly Series[]} series @returns {uPlot.Options} */
function options(width, series) {
  const [soft, rule] = [inkOf('--soft'), inkOf('--rule')];
  const axis = {
    stroke: soft,
    grid: { stroke: rule, width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(4, Math.ceil(most * 1.1))] } },
    axes: [
      { ...axis, size: 22, space: 80, values: '{HH}:{mm}' },
      {
        ...axis,
        size: 36,
        space: 28,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000],
      },
    ],
    series: [
      {},
      ...series.map(({ name, colour }) => ({
        label: name,
        stroke: inkOf(`--${colour}`),
        width: 1.75,
        points: { show: false },
      })),
    ],
  };
}

/** @param {string} name of a custom property */
function inkOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
