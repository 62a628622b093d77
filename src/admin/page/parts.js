/** Parts that several panels are made of. Pure: they give views. */
import { h } from './dom.js';

/**
 * @typedef {import('./dom.js').Child} Child
 * @typedef {{ readonly title: string, readonly class?: string }} Column
 * @typedef {{ readonly key: string, readonly cells: readonly Child[], readonly class?: string }} Row
 */

/**
 * A table; at phone width each row is a card, on which each value stands behind the title of its column. The roles
 * are said, since a table that is laid out as cards is none to a screen reader.
 * @param {{ label: string, columns: readonly Column[], rows: readonly Row[], empty: Child }} table `empty` stands
 *   there in place of no rows
 */
export function table({ label, columns, rows, empty }) {
  if (rows.length === 0) return h('p', { class: 'empty' }, empty);
  const head = columns.map(({ title, class: name }) =>
    h('th', { key: title, role: 'columnheader', scope: 'col', class: name }, title),
  );
  return h(
    'table',
    { role: 'table', 'aria-label': label },
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, head)),
    h(
      'tbody',
      { role: 'rowgroup' },
      rows.map((row) => rowOf(row, columns)),
    ),
  );
}

/** @param {Row} row @param {readonly Column[]} columns */
function rowOf({ key, cells, class: name }, columns) {
  const views = columns.map((column, at) =>
    h('td', { role: 'cell', class: column.class, 'data-label': column.title }, cells[at]),
  );
  return h('tr', { role: 'row', key, class: name }, views);
}

/**
 * A word with the colour of what it means.
 * @param {'good' | 'warn' | 'bad' | 'plain' | 'accent'} tone
 * @param {Child} text
 */
export function tag(tone, text) {
  return h('span', { class: `tag ${tone}` }, text);
}

/**
 * Facts as a list of names and values.
 * @param {readonly (readonly [string, Child])[]} pairs
 */
export function facts(pairs) {
  return h(
    'dl',
    { class: 'facts' },
    pairs.map(([name, value]) => h('div', { key: name }, h('dt', null, name), h('dd', null, value))),
  );
}

/**
 * @param {string} label
 * @param {() => void} act
 * @param {{ readonly key?: string, readonly class?: string, readonly name?: string, readonly disabled?: boolean }} [more]
 *   `name` is what a screen reader says, where the label alone is too little
 */
export function button(label, act, { key, class: kind = '', name, disabled = false } = {}) {
  return h(
    'button',
    { type: 'button', key: key ?? label, class: kind, 'aria-label': name, disabled, onclick: act },
    label,
  );
}

/**
 * How far something is, from 0 to 1.
 * @param {string} label
 * @param {number} part
 */
export function progress(label, part) {
  return h('progress', { 'aria-label': label, max: 1, value: Math.min(1, Math.max(0, part)) });
}
