/**
 * One colour for each release line, everywhere on the page. A line keeps its colour while it is known; lines get the
 * colours in the order of their versions the first time, so that neighbours differ.
 */
import { h } from './dom.js';
import { cut, said } from './text.js';

/** As many as style.css has (`v0` …). */
const COLOURS = 8;

/** @type {Map<string, number>} */
const colours = new Map();

/**
 * The release line of a version: `4.15` of `4.15.2-HBase-1.4`; null where it is no version.
 * @param {string} version
 */
export function lineOf(version) {
  return /^(\d{1,9}\.\d{1,9})(?:\D|$)/.exec(version)?.[1] ?? null;
}

/**
 * Older before newer; what is no version last.
 * @param {string} a
 * @param {string} b
 */
export function compareVersions(a, b) {
  const [x, y] = [a, b].map((text) => (/^\d+(\.\d+)*/.exec(text)?.[0] ?? '').split('.').map(Number));
  for (let at = 0; at < 3; at++) {
    const difference = (x?.[at] ?? 0) - (y?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Gives lines that have no colour yet the next ones, older lines first.
 * @param {Iterable<string>} versions
 */
export function meet(versions) {
  const lines = new Set([...versions].map(lineOf));
  for (const line of [...lines].filter((each) => each !== null).sort(compareVersions))
    if (!colours.has(line)) colours.set(line, colours.size % COLOURS);
}

/**
 * The number of the colour of a version's line; null where it is no version.
 * @param {string} version
 */
export function colourOf(version) {
  const line = lineOf(version);
  if (line === null) return null;
  meet([line]);
  return /** @type {number} */ (colours.get(line));
}

/**
 * A version with the colour of its line.
 * @param {string | null} version
 */
export function release(version) {
  if (version === null) return h('span', { class: 'soft' }, 'unknown');
  const colour = colourOf(version);
  if (colour === null) return said(version, '', 40);
  return h('bdi', { class: `release v${colour}` }, cut(version, 40));
}
