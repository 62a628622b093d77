/** What operators did: when, who, what, why. */
import { h } from '../dom.js';
import { table } from '../parts.js';
import { clock, said } from '../text.js';

/** @import { Data } from '../shapes.ts' */

const COLUMNS = [{ title: 'when' }, { title: 'who', class: 'id' }, { title: 'what' }, { title: 'why' }];

/** @param {Data} data */
export function auditPanel({ audit }) {
  const rows = audit.map(({ id, time, by, what, reason, sentence }) => ({
    key: id,
    cells: [
      h('span', { class: 'soft' }, clock(time)),
      said(by, '', 60),
      [said(what, 'mono', 40), ' ', said(sentence, '', 300)],
      reason === '' ? '–' : said(reason, '', 300),
    ],
  }));
  return [
    h('h2', { id: 'audit-title' }, 'Audit', h('span', { class: 'count' }, 'what operators did')),
    h(
      'div',
      {
        class: 'list',
        key: 'list',
        tabindex: rows.length > 0 ? '0' : null,
        role: 'region',
        'aria-label': 'Audit',
      },
      table({ label: 'Audit', columns: COLUMNS, rows, empty: 'No operator did anything yet.' }),
    ),
  ];
}
