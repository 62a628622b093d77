/** On top: one sentence, what blocks the next step; below it each blocker with who must move, and who would be refused. */
import { h } from '../dom.js';
import { button, tag } from '../parts.js';
import { compareVersions, lineOf, release } from '../releases.js';
import { cut, plural, said } from '../text.js';

/** @import { Blocker, Data, Next, PathStep, Refused, Verbs } from '../shapes.ts' */

/** Length up to which a sentence is shown. */
const SENTENCE = 1_500;
/** Clients that are named of a line. */
const NAMED = 4;
/** The verb of an operator that takes a blocker out of the way. */
const REMEDIES = /** @type {Readonly<Record<string, readonly [verb: string, label: string]>>} */ ({
  'approval-missing': ['approve', 'Approve'],
  'upgrade-blocked': ['unblock', 'Unblock'],
  'upgrade-failed': ['retry', 'Retry'],
  'ledger-doubted': ['accept-ledger', 'Accept the ledger'],
  paused: ['resume', 'Resume'],
});
/** What no upgrade of servers or clients takes out of the way. */
const STUCK = new Set(['upgrade-failed', 'ledger-unavailable', 'ledger-doubted', 'lease-lapsed']);

/**
 * How the panel looks: `ready`, `blocked`, or `stuck` where something is broken.
 * @param {Next} next
 */
export function mood({ ready, blockers }) {
  if (ready) return 'ready';
  return blockers.some(({ kind }) => STUCK.has(kind)) ? 'stuck' : 'blocked';
}

/** @param {Data} data @param {Verbs} verbs */
export function nextPanel({ next, target, releases, servers }, verbs) {
  const { to, ready, path } = next;
  return [
    h(
      'h2',
      { id: 'next-title' },
      to === null ? 'The next step' : ['The next step: ', release(to)],
      ready
        ? tag('good', 'nothing is in the way')
        : next.blockers.length > 0 && tag('warn', plural(next.blockers.length, 'blocker')),
      aim(target, ahead(releases, servers), verbs),
    ),
    h('p', { class: 'sentence', key: 'sentence' }, said(next.sentence, '', SENTENCE)),
    path !== undefined && path.length > 0
      ? h(
          'ol',
          { key: 'path', 'aria-label': `The way to ${cut(target ?? '', 20)}` },
          path.map((step) => pathStep(step, verbs)),
        )
      : h(
          'div',
          { class: 'columns', key: 'parts' },
          blockerList(next.blockers, verbs),
          refusedList(next, verbs),
        ),
  ];
}

/**
 * Lines to which there may be a way: those above that of the oldest server.
 * @param {readonly string[]} releases
 * @param {Data['servers']} servers
 */
function ahead(releases, servers) {
  const lines = servers.flatMap(({ version }) => (version === null ? [] : (lineOf(version) ?? [])));
  const [oldest] = lines.sort(compareVersions);
  return oldest === undefined ? [] : releases.filter((line) => compareVersions(line, oldest) > 0);
}

/** @param {string | null} target @param {readonly string[]} targets @param {Verbs} verbs */
function aim(target, targets, verbs) {
  if (targets.length === 0) return null;
  const choose = (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    verbs.aimAt(value === '' ? null : value);
  };
  const option = (/** @type {string} */ value, /** @type {string} */ label) =>
    h('option', { key: value, value, selected: value === (target ?? '') }, label);
  return h(
    'label',
    { key: 'aim', class: 'soft' },
    'the way to ',
    h(
      'select',
      { onchange: choose },
      option('', 'the next step'),
      targets.map((line) => option(line, cut(line, 20))),
    ),
  );
}

/** @param {readonly Blocker[]} blockers @param {Verbs} verbs */
function blockerList(blockers, verbs) {
  if (blockers.length === 0) return null;
  return h(
    'ul',
    { key: 'blockers', 'aria-label': 'What is in the way' },
    blockers.map((blocker) => blockerItem(blocker, verbs)),
  );
}

/** @param {Blocker} blocker @param {Verbs} verbs */
function blockerItem({ kind, who, move, message }, verbs) {
  const [verb, label] = REMEDIES[kind] ?? [];
  return h(
    'li',
    { key: `${kind} ${who.join(' ')}` },
    tag(STUCK.has(kind) ? 'bad' : 'warn', mover(move, who)),
    said(message, '', 400),
    verb !== undefined &&
      label !== undefined &&
      button(`${label}…`, () => verbs.open(verb, kind === 'gate-draining' ? { gate: '' } : {}), {
        class: 'small',
      }),
  );
}

/** @param {Blocker['move']} move @param {readonly string[]} who */
function mover(move, who) {
  if (move === null) return said(who.join(', ') || 'time', '', 60);
  if (move.side === 'operator') return 'operator';
  return [
    `${move.side} `,
    said(move.who.length > 0 ? move.who.join(', ') : who.join(', '), '', 60),
    ` → ${cut(move.to, 40)}`,
  ];
}

/** @param {Pick<Next, 'refuses'> & Partial<Pick<Next, 'refusesSeen'>>} next @param {Verbs} verbs */
function refusedList({ refuses, refusesSeen = [] }, verbs) {
  if (refuses.length + refusesSeen.length === 0) return null;
  return h(
    'ul',
    { key: 'refused', 'aria-label': 'Who would be refused' },
    refuses.map((refused) => refusedItem(refused, true, verbs)),
    refusesSeen.map((refused) => refusedItem(refused, false, verbs)),
  );
}

/** @param {Refused} refused @param {boolean} isOpen @param {Verbs} verbs */
function refusedItem({ line, sessions, seen, rule, already, clients }, isOpen, verbs) {
  const named = clients.slice(0, NAMED).map(({ name, driver, host }) => `${name ?? driver} from ${host}`);
  const more = clients.length > NAMED ? ', …' : '';
  return h(
    'li',
    { key: `${isOpen} ${line} ${rule}` },
    release(line),
    h(
      'span',
      null,
      isOpen ? plural(sessions, 'session') : `${plural(seen, 'client')} of the last hour`,
      already ? ' refused already' : isOpen ? ' would be refused' : ' would be refused if they came back',
    ),
    tag('plain', `rule ${cut(rule, 12)}`),
    named.length > 0 && said(`${named.join(', ')}${more}`, 'soft', 200),
    isOpen &&
      sessions > 0 &&
      button('Drain…', () => verbs.open('drain', { clients: `${line}.x` }), {
        class: 'small',
        name: `Drain the clients of ${cut(line, 20)}`,
      }),
  );
}

/** What it comes to in words is part of the sentence on top. @param {PathStep} step @param {Verbs} verbs */
function pathStep(step, verbs) {
  const { to, optional, downtime, upgrade } = step;
  return h(
    'li',
    { key: to },
    release(to),
    optional && tag('plain', 'can be left out'),
    downtime && tag('bad', 'downtime'),
    upgrade !== null && tag('accent', `level ${upgrade.fromLevel ?? '?'} to ${upgrade.toLevel}`),
    h('div', { class: 'columns' }, blockerList(step.blockers, verbs), refusedList(step, verbs)),
  );
}
