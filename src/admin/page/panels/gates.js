/** The gates of the cluster; where one differs from this one in policy, catalogue or program, it is marked. */
import { h } from '../dom.js';
import { table, tag } from '../parts.js';
import { release } from '../releases.js';
import { ago, number, said, timeOf } from '../text.js';

/** @import { Data, Gate } from '../shapes.ts' */

const COLUMNS = [
  { title: 'gate', class: 'id' },
  { title: 'program' },
  { title: 'policy' },
  { title: 'catalogue' },
  { title: 'sessions' },
  { title: 'seen', class: 'when' },
];

/** @param {Data} data */
export function gatesPanel({ gates, now }) {
  const self = gates.find(({ isSelf }) => isSelf);
  const differing = gates.filter((gate) => self !== undefined && differences(gate, self).length > 0).length;
  const rows = gates.map((gate) => ({ key: gate.id, cells: cells(gate, self, now) }));
  return [
    h(
      'h2',
      { id: 'gates-title' },
      'Gates',
      h(
        'span',
        { class: differing > 0 ? 'count bad' : 'count' },
        differing > 0 ? `${differing} of ${gates.length} differ from this one` : `${gates.length}, all alike`,
      ),
    ),
    table({ label: 'Gates', columns: COLUMNS, rows, empty: 'No gate has announced itself.' }),
  ];
}

/** @typedef {'program' | 'policyHash' | 'catalogueHash'} Part */
const PARTS = /** @type {readonly Part[]} */ (['program', 'policyHash', 'catalogueHash']);

/** @param {Gate} gate @param {Gate} self */
function differences(gate, self) {
  return PARTS.filter((part) => gate[part] !== self[part]);
}

/** @param {Gate} gate @param {Gate | undefined} self @param {number} now */
function cells(gate, self, now) {
  const value = (/** @type {Part} */ part) => {
    const text = gate[part] ?? '–';
    const differs = self !== undefined && gate[part] !== self[part];
    return differs ? [said(text, 'mono bad', 20), ' ', tag('bad', 'differs')] : said(text, 'mono', 20);
  };
  return [
    [name(gate), gate.isSelf && [' ', h('span', { class: 'soft' }, 'this one')]],
    value('program'),
    value('policyHash'),
    value('catalogueHash'),
    lines(gate.sessions),
    gate.isSelf ? 'now' : ago(timeOf(gate.lastSeenAt) ?? now, now),
  ];
}

/** @param {Gate} gate */
function name({ id, admin, isSelf }) {
  if (isSelf || admin === undefined || admin === null || !/^https?:\/\//.test(admin)) return said(id, '', 60);
  return h('a', { href: admin }, said(id, '', 60));
}

/** @param {Gate['sessions']} sessions open ones, by release line */
function lines(sessions) {
  if (typeof sessions === 'number') return number(sessions);
  const entries = Object.entries(sessions);
  if (entries.length === 0) return '0';
  return entries.map(([line, count]) => h('span', { key: line }, release(line), ` ${number(count)} `));
}
