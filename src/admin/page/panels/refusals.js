/** Refusals of the last hour, by who must move. */
import { h } from '../dom.js';
import { table, tag } from '../parts.js';
import { release } from '../releases.js';
import { ago, number, plural, said, timeOf } from '../text.js';

/** @import { Data, Refusal } from '../shapes.ts' */

const COLUMNS = [
  { title: 'must move', class: 'id' },
  { title: 'code' },
  { title: 'clients' },
  { title: 'refused', class: 'number' },
  { title: 'last', class: 'when' },
];

/** @param {Data} data */
export function refusalsPanel({ refusals, now }) {
  const count = refusals.reduce((sum, refusal) => sum + refusal.count, 0);
  const rows = refusals.map((refusal) => ({
    key: `${refusal.code} ${refusal.side} ${refusal.to} ${refusal.line} ${refusal.who.join(' ')}`,
    cells: [
      mover(refusal),
      said(refusal.code, 'mono', 28),
      release(refusal.line),
      number(refusal.count),
      ago(timeOf(refusal.lastAt) ?? now, now),
    ],
  }));
  return [
    h(
      'h2',
      { id: 'refusals-title' },
      'Refused in the last hour',
      h('span', { class: 'count' }, plural(count, 'time')),
    ),
    table({ label: 'Refusals of the last hour', columns: COLUMNS, rows, empty: 'Nobody was refused.' }),
  ];
}

/** @param {Refusal} refusal */
function mover({ side, to, who }) {
  if (side === null || to === null) return tag('plain', 'nobody: come again');
  return [tag(side === 'client' ? 'plain' : 'warn', side), ' ', said(`${who.join(', ')} → ${to}`, '', 120)];
}
