/** Clients that are held: who waits, for how long already, and for what. */
import { h } from '../dom.js';
import { table } from '../parts.js';
import { release } from '../releases.js';
import { elapsed, number, said, timeOf } from '../text.js';

/** @import { Data } from '../shapes.ts' */

const COLUMNS = [
  { title: 'client', class: 'id' },
  { title: 'from', class: 'peer' },
  { title: 'waits', class: 'number' },
  { title: 'for' },
];

/** @param {Data} data */
export function waitingPanel({ waiting, cluster, now }) {
  const rows = waiting.map(({ connection, client, peer, since, code, message }) => ({
    key: connection,
    cells: [
      release(client),
      said(peer, '', 60),
      elapsed(now - (timeOf(since) ?? now)),
      h('span', null, said(code, 'mono', 28), ' ', said(message, 'soft', 160)),
    ],
  }));
  return [
    h(
      'h2',
      { id: 'waiting-title' },
      'Waiting',
      h('span', { class: 'count' }, number(Math.max(cluster.held, rows.length))),
    ),
    h(
      'div',
      {
        class: 'list',
        key: 'list',
        tabindex: rows.length > 0 ? '0' : null,
        role: 'region',
        'aria-label': 'Waiting clients',
      },
      table({ label: 'Waiting clients', columns: COLUMNS, rows, empty: 'Nobody is held.' }),
    ),
  ];
}
