/** Live decisions, newest first; each opens to its trace. */
import { h } from '../dom.js';
import { facts, tag } from '../parts.js';
import { release } from '../releases.js';
import { clock, duration, number, said } from '../text.js';

/** @import { Data, Decision, Phases } from '../shapes.ts' */

const TONES = /** @type {const} */ ({ permit: 'good', migrate: 'accent', hold: 'warn', refuse: 'bad' });

/** @param {Data} data */
export function decisionsPanel({ decisions, stream }) {
  const list = decisions.map((decision) =>
    h('li', { key: decision.id }, h('details', null, summary(decision), inside(decision))),
  );
  return [
    h(
      'h2',
      { id: 'decisions-title' },
      'Decisions',
      h(
        'span',
        { class: 'count' },
        stream === 'live'
          ? `the last ${number(decisions.length)}, live`
          : 'not live: the stream is broken off',
      ),
    ),
    decisions.length === 0
      ? h('p', { class: 'empty' }, 'Nobody has come yet.')
      : h(
          'div',
          {
            class: 'list',
            key: 'list',
            tabindex: '0',
            role: 'region',
            'aria-label': 'Decisions, newest first',
          },
          h('ol', { class: 'decisions' }, list),
        ),
  ];
}

/** @param {Decision} decision */
function summary({ time, verdict, client, code, message }) {
  return h(
    'summary',
    null,
    h('span', { class: 'soft' }, clock(time)),
    h('span', null, tag(TONES[verdict] ?? 'plain', verdict)),
    release(client),
    h(
      'span',
      { class: 'message' },
      verdict === 'permit' ? null : [said(code, 'mono', 40), ' '],
      said(message, '', 400),
    ),
  );
}

/** @param {Decision} decision */
function inside(decision) {
  const { rule, code, peer, listener, server, serverVersion, driver, move, waitedFor, session } = decision;
  return h(
    'div',
    { class: 'inside' },
    facts([
      ['code', said(code, 'mono')],
      ['rule', said(rule)],
      ['from', said(peer)],
      ['to', said(listener)],
      ['driver', driver === null ? '–' : said(driver)],
      ['server', server === null ? '–' : [said(server), ' ', release(serverVersion)]],
      ...(session === null ? [] : [/** @type {const} */ (['session', said(session, 'mono')])]),
      ...(move === null
        ? []
        : [/** @type {const} */ (['must move', said(`${move.side} to ${move.to}: ${move.who.join(', ')}`)])]),
      ...(waitedFor === null ? [] : [/** @type {const} */ (['waited for', said(waitedFor, 'mono')])]),
      ['took', phases(decision.phases)],
    ]),
    trace(decision.trace),
  );
}

/** @param {Phases | undefined} phases */
function phases(phases) {
  if (phases === undefined) return '–';
  const { totalMs, heldMs, dialMs } = phases;
  const parts = [heldMs > 0 && `held ${duration(heldMs)}`, dialMs !== null && `dial ${duration(dialMs)}`];
  const said = parts.filter((part) => part !== false).join(', ');
  return said === '' ? duration(totalMs) : `${duration(totalMs)} (${said})`;
}

/** @param {Decision['trace']} steps */
function trace(steps) {
  if (steps === undefined) return h('p', { class: 'soft' }, 'No trace was kept.');
  const lines = steps.map(({ rule, outcome, because }) =>
    h(
      'li',
      null,
      said(rule, 'mono', 20),
      h('span', { class: outcome === 'fail' ? 'bad' : outcome === 'pass' ? 'good' : 'soft' }, outcome),
      said(because, '', 400),
    ),
  );
  return h('ol', { class: 'trace', 'aria-label': 'Rules looked at' }, lines);
}
