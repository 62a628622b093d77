/** Servers: release, level, whether they are known and alive, the last probe, sessions; oldest and newest are marked. */
import { h } from '../dom.js';
import { button, table, tag } from '../parts.js';
import { compareVersions, release } from '../releases.js';
import { ago, number, plural, said, timeOf } from '../text.js';
import { subjectOf } from './orders.js';

/** @import { Data, Order, Server, Verbs } from '../shapes.ts' */

const COLUMNS = [
  { title: 'server', class: 'id' },
  { title: 'release', class: 'tight' },
  { title: 'level', class: 'number' },
  { title: 'state' },
  { title: 'last probe' },
  { title: 'sessions', class: 'number' },
  { title: 'acts', class: 'acts' },
];

/** @param {Data} data @param {Verbs} verbs */
export function serversPanel({ servers, orders, now }, verbs) {
  const drains = new Map(
    orders.flatMap((order) => (order.target.kind === 'server' ? [[order.target.name, order]] : [])),
  );
  const versions = servers
    .flatMap(({ version }) => (version === null ? [] : [version]))
    .sort(compareVersions);
  const ends = { oldest: versions[0] ?? null, newest: versions.at(-1) ?? null };
  const rows = servers.map((server) => ({
    key: server.id,
    cells: [
      said(server.id, '', 40),
      [release(server.version), ' ', marks(server, ends)],
      server.level === null ? h('span', { class: 'soft' }, '–') : String(server.level),
      state(server, drains.has(server.id)),
      probe(server, now),
      number(server.sessions),
      act(server, drains.get(server.id), verbs),
    ],
  }));
  const up = servers.filter((server) => server.state === 'up').length;
  return [
    h(
      'h2',
      { id: 'servers-title' },
      'Servers',
      h('span', { class: 'count' }, `${up} of ${servers.length} up`),
    ),
    table({ label: 'Servers', columns: COLUMNS, rows, empty: 'The config names no server.' }),
  ];
}

/**
 * @param {Server} server
 * @param {{ oldest: string | null, newest: string | null }} ends
 */
function marks({ version }, { oldest, newest }) {
  if (version === null || oldest === newest) return null;
  if (version === oldest) return h('span', { class: 'soft' }, 'oldest');
  return version === newest && h('span', { class: 'soft' }, 'newest');
}

/** @param {Server} server @param {boolean} isDrained by an operator */
function state({ state, version }, isDrained) {
  return [
    tag(state === 'up' ? 'good' : state === 'draining' ? 'warn' : 'bad', state),
    isDrained && [' ', tag('warn', 'by an operator')],
    version === null && [' ', tag('bad', 'release unknown')],
  ];
}

/** @param {Server} server @param {number} now */
function probe({ lastProbeAt, lastError }, now) {
  const at = timeOf(lastProbeAt);
  return [
    at === null ? h('span', { class: 'soft' }, lastError === null ? '–' : '') : ago(at, now),
    lastError !== null && [' ', said(lastError, 'bad', 120)],
  ];
}

/** @param {Server} server @param {Order | undefined} drain @param {Verbs} verbs */
function act({ id, sessions }, drain, verbs) {
  return drain === undefined
    ? button('Drain', () => verbs.open('drain', { server: id }), {
        class: 'small',
        name: `Drain ${id}, ${plural(sessions, 'session')}`,
      })
    : button('Undrain', () => verbs.open('undrain', subjectOf(drain)), {
        class: 'small',
        name: `Undrain ${id}`,
      });
}
