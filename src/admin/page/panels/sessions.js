/** Open sessions, a page of them, with a filter and a close button each. */
import { h } from '../dom.js';
import { button, table } from '../parts.js';
import { release } from '../releases.js';
import { bytes, elapsed, number, said, timeOf } from '../text.js';

/** @import { Data, Session, Verbs } from '../shapes.ts' */

const COLUMNS = [
  { title: 'client', class: 'id' },
  { title: 'server' },
  { title: 'from' },
  { title: 'who' },
  { title: 'open', class: 'number' },
  { title: 'up', class: 'number' },
  { title: 'down', class: 'number' },
  { title: 'acts', class: 'acts' },
];

/** @param {Data} data @param {Verbs} verbs */
export function sessionsPanel({ sessions, now }, verbs) {
  const rows = sessions.sessions.map((session) => ({
    key: session.session,
    cells: cells(session, now, verbs),
  }));
  const filtered = sessions.filter.client !== '' || sessions.filter.server !== '';
  return [
    h(
      'h2',
      { id: 'sessions-title' },
      'Sessions',
      h(
        'span',
        { class: 'count' },
        `${number(rows.length)} of ${number(sessions.total)}${filtered ? ' that fit the filter' : ' open'}`,
      ),
    ),
    filter(verbs),
    h(
      'div',
      { class: 'list', key: 'list', tabindex: '0', role: 'region', 'aria-label': 'Open sessions' },
      table({ label: 'Sessions', columns: COLUMNS, rows, empty: 'No session is open.' }),
      sessions.next !== null && button('Show more', () => verbs.moreSessions(), { key: 'more' }),
    ),
  ];
}

/** @param {Session} session @param {number} now @param {Verbs} verbs */
function cells(
  { session, client, server, peer, identity, startedAt, bytesFromClient, bytesFromServer },
  now,
  verbs,
) {
  return [
    release(client),
    said(server, '', 40),
    said(peer, '', 60),
    identity === null ? '' : said(identity, '', 40),
    elapsed(now - (timeOf(startedAt) ?? now)),
    bytes(bytesFromClient),
    bytes(bytesFromServer),
    button('Close', () => verbs.open('kick', { session, client, peer }), {
      class: 'small',
      name: `Close the session of ${client} from ${peer}`,
    }),
  ];
}

/** @param {Verbs} verbs */
function filter(verbs) {
  const change = (/** @type {Event} */ event) => {
    const form = /** @type {HTMLInputElement} */ (event.target).form;
    if (form !== null) verbs.filterSessions(Object.fromEntries(new FormData(form)));
  };
  const field = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ hint) =>
    h(
      'label',
      { class: 'wide' },
      label,
      h('input', { name, placeholder: hint, autocomplete: 'off', oninput: change }),
    );
  return h(
    'form',
    {
      class: 'form',
      key: 'filter',
      role: 'search',
      onsubmit: (/** @type {Event} */ event) => event.preventDefault(),
    },
    field('client', 'client', 'a release, as 4.14'),
    field('server', 'server', 'its id'),
  );
}
