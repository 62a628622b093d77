/** The one-time upgrade of the system tables: how it stands, how far it is, who runs it, and what an operator can do. */
import { h } from '../dom.js';
import { button, facts, progress, tag } from '../parts.js';
import { release } from '../releases.js';
import { clock, duration, elapsed, said, timeOf } from '../text.js';

/** @import { Data, Upgrade, Verbs } from '../shapes.ts' */

const TONES = /** @type {const} */ ({
  none: 'plain',
  'never-used': 'plain',
  idle: 'plain',
  waiting: 'warn',
  running: 'accent',
  abandoned: 'bad',
  blocked: 'warn',
  doubted: 'bad',
  exhausted: 'bad',
  failed: 'bad',
  unavailable: 'bad',
});

/** @param {Data} data @param {Verbs} verbs */
export function upgradePanel({ upgrade, next }, verbs) {
  const { state, sentence } = upgrade;
  return [
    h('h2', { id: 'upgrade-title' }, 'Upgrade of the system tables', tag(TONES[state] ?? 'plain', state)),
    h('p', { key: 'sentence' }, said(sentence, '', 600)),
    state === 'running' && running(upgrade),
    facts([
      ['tables', tables(upgrade)],
      ...(next.upgrade === null ? [] : [/** @type {const} */ (['ahead', `level ${next.upgrade.toLevel}`])]),
      ...claim(upgrade),
      ...(upgrade.approvedBy === null
        ? []
        : [/** @type {const} */ (['approved by', said(upgrade.approvedBy, '', 60)])]),
    ]),
    blocks(upgrade),
    state === 'failed' && failure(upgrade),
    state !== 'none' && acts(upgrade, verbs),
  ];
}

/** @param {Upgrade} upgrade */
function tables({ level, release: at }) {
  return [level === null ? 'level unknown' : `level ${level}`, at !== null && [' ', release(at)]];
}

/** @param {Upgrade} upgrade */
function running({ step, steps, progress: part, progressText, elapsedMs, expectedMs }) {
  const through = elapsedMs !== null && expectedMs !== null && expectedMs > 0 ? elapsedMs / expectedMs : null;
  const times = [
    elapsedMs !== null && `${elapsed(elapsedMs)} so far`,
    expectedMs !== null && `${duration(expectedMs)} expected`,
  ].filter((text) => text !== false);
  return h(
    'div',
    { key: 'running' },
    h(
      'p',
      null,
      step !== null && steps !== null && h('b', null, `Step ${step} of ${steps}`),
      part !== null && `, ${Math.floor(part * 100)} %`,
      progressText !== null && progressText !== '' && [': ', said(progressText, '', 160)],
    ),
    part !== null
      ? progress('Progress of the step', part)
      : through !== null && progress('Time that it took before', through),
    h('p', { class: 'soft' }, times.join(', ')),
  );
}

/**
 * @param {Upgrade} upgrade
 * @returns {(readonly [string, import('../dom.js').Child])[]}
 */
function claim({ holder, token, attempt, leaseAlive, leaseLeftMs }) {
  if (holder === null) return [];
  const left = leaseLeftMs === null ? 'renewed' : `${elapsed(leaseLeftMs)} left`;
  const lease = leaseAlive ? left : h('span', { class: 'bad' }, 'lapsed: nobody renews it');
  return [
    ['holder', said(holder, '', 60)],
    ['lease', lease],
    ['token', token === null ? '–' : String(token)],
    ['attempt', attempt === null ? '–' : String(attempt)],
  ];
}

/** @param {Upgrade} upgrade */
function blocks({ blocks }) {
  return blocks.map(({ by, reason, until }) =>
    h(
      'p',
      { key: `block ${by}` },
      tag('warn', 'blocked'),
      ' by ',
      said(by, '', 60),
      timeOf(until) === null
        ? ', until unblocked'
        : `, until ${clock(/** @type {string | number} */ (until))}`,
      reason !== '' && [': ', said(reason, '', 200)],
    ),
  );
}

/** @param {Upgrade} upgrade */
function failure({ error, retryAt }) {
  return h(
    'p',
    { key: 'failure' },
    h('span', { class: 'bad' }, 'Failed: '),
    said(error ?? '', '', 400),
    retryAt === null
      ? ' No further attempt begins before an operator retries.'
      : ` The next attempt may begin at ${clock(retryAt)}.`,
  );
}

/** @param {Upgrade} upgrade @param {Verbs} verbs */
function acts({ state, blocks }, verbs) {
  const verb = (/** @type {string} */ label, /** @type {string} */ name) =>
    button(label, () => verbs.open(name), { class: 'small' });
  return h(
    'div',
    { class: 'acts', key: 'acts' },
    state !== 'running' && verb('Approve', 'approve'),
    verb('Block', 'block'),
    blocks.length > 0 && verb('Unblock', 'unblock'),
    state === 'failed' && verb('Retry', 'retry'),
    state === 'running' && verb('Abort', 'abort'),
  );
}
