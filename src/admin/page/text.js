/** How the page says things: times, numbers, and text that somebody else wrote. Pure. */
import { h } from './dom.js';

/** What ends a line, hides text or turns its direction: as in src/events/escape.ts, which a browser can't read. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** Characters that are shown of a text, and those that a pointer resting on it gets. */
const SHOWN = 160;
const HINT = 1_000;

/**
 * Text with what would not be seen, or would turn the direction of the rest, written as `\uXXXX`.
 * @param {string} text
 */
export function printable(text) {
  return text.replace(UNPRINTABLE, (sign) =>
    sign
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/**
 * Its first characters, printable.
 * @param {unknown} text
 * @param {number} [length]
 */
export function cut(text, length = SHOWN) {
  const whole = String(text);
  const part = printable(whole.slice(0, length + 1));
  return whole.length > length ? `${part.slice(0, length)}…` : part;
}

/**
 * Text that a client, a server or an operator wrote: cut, and kept apart from the text around it.
 * @param {unknown} text
 * @param {string} [className]
 * @param {number} [length]
 */
export function said(text, className = '', length = SHOWN) {
  const hint = String(text).length > length ? cut(text, HINT) : null;
  return h('bdi', { class: `said ${className}`.trim(), title: hint }, cut(text, length));
}

/** @param {number} count @param {string} one @param {string} [many] */
export function plural(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** @param {number} value */
export function number(value) {
  return value.toLocaleString('en-GB').replaceAll(',', '\u202f');
}

/**
 * A length of time in its two largest units: `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const units = [
    [86_400, 'd', 3_600, 'h'],
    [3_600, 'h', 60, 'min'],
    [60, 'min', 1, 's'],
  ];
  const [unit, name, lower, lowerName] = /** @type {[number, string, number, string]} */ (
    units.find(([least]) => seconds >= /** @type {number} */ (least))
  );
  const rest = Math.floor((seconds % unit) / lower);
  return `${Math.floor(seconds / unit)} ${name}${rest > 0 ? ` ${rest} ${lowerName}` : ''}`;
}

/**
 * A length of time that grows while one looks, in whole seconds.
 * @param {number} ms
 */
export function elapsed(ms) {
  return duration(ms < 1_000 ? 0 : Math.floor(ms / 1_000) * 1_000)
    .replace(/^0 ms$/, '0 s')
    .replace('.0 s', ' s');
}

/**
 * How long ago, in its largest unit.
 * @param {number} at ms since the epoch
 * @param {number} now
 */
export function ago(at, now) {
  const ms = now - at;
  const [largest, unit] = elapsed(ms).split(' ');
  return ms < 1_000 ? 'now' : `${largest} ${unit} ago`;
}

/**
 * The time of day, local, with seconds.
 * @param {number | string} at ms since the epoch, or ISO 8601
 */
export function clock(at) {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? '' : time.toLocaleTimeString('en-GB');
}

/** @param {number} count */
export function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const value = count / 1_000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/**
 * ms since the epoch of either spelling.
 * @param {number | string | null | undefined} at
 */
export function timeOf(at) {
  if (at === null || at === undefined) return null;
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return Number.isNaN(ms) ? null : ms;
}
