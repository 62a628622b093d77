/** Client lines: how many are connected, where from, what becomes of them now and after the next step. */
import { h } from '../dom.js';
import { button, table, tag } from '../parts.js';
import { release } from '../releases.js';
import { ago, cut, number, plural, said, timeOf } from '../text.js';

/** @import { CensusLine, Data, Verbs } from '../shapes.ts' */

const COLUMNS = [
  { title: 'clients', class: 'id' },
  { title: 'sessions', class: 'number' },
  { title: 'now → next', class: 'turn' },
  { title: 'status' },
  { title: 'who and where from' },
  { title: 'seen', class: 'when' },
  { title: 'acts', class: 'acts' },
];

const STATUS = /** @type {const} */ ({
  ahead: 'accent',
  current: 'good',
  leaving: 'warn',
  draining: 'bad',
  drained: 'plain',
  unseen: 'plain',
});
const VERDICT = /** @type {const} */ ({ permit: 'good', migrate: 'accent', hold: 'warn', refuse: 'bad' });

/** @param {Data} data @param {Verbs} verbs */
export function clientsPanel({ clients, now }, verbs) {
  const sessions = clients.reduce((sum, line) => sum + line.sessions, 0);
  const rows = clients.map((line) => ({ key: line.line, cells: cells(line, now, verbs) }));
  return [
    h(
      'h2',
      { id: 'clients-title' },
      'Client lines',
      h('span', { class: 'count' }, `${plural(clients.length, 'line')}, ${plural(sessions, 'session')}`),
    ),
    table({ label: 'Client lines', columns: COLUMNS, rows, empty: 'No client came in the last hour.' }),
  ];
}

/** @param {CensusLine} line @param {number} now @param {Verbs} verbs */
function cells(line, now, verbs) {
  const who = [...new Set([...line.who, ...line.drivers])];
  return [
    release(line.line),
    number(line.sessions),
    [verdict(line.verdictNow, line.codeNow), ' → ', verdict(line.verdictNext, line.codeNext)],
    tag(STATUS[line.status], line.status),
    [said(who.join(', '), '', 80), ' ', said(line.hosts.join(', '), 'soft', 80)],
    line.sessions > 0 ? 'now' : line.lastSeenAt === null ? '–' : ago(timeOf(line.lastSeenAt) ?? now, now),
    line.sessions > 0 &&
      button('Drain', () => verbs.open('drain', { clients: `${line.line}.x` }), {
        class: 'small',
        name: `Drain the clients of ${cut(line.line, 20)}, ${plural(line.sessions, 'session')}`,
      }),
  ];
}

/** @param {CensusLine['verdictNow']} verdict @param {string} code */
function verdict(verdict, code) {
  return h('span', { class: VERDICT[verdict], title: cut(code, 60) }, verdict);
}
