/** The bar on top: which gate this is, how it stands, whether the page still hears from it, and the verbs for all of it. */
import { h } from '../dom.js';
import { button, tag } from '../parts.js';
import { cut, elapsed, plural, said, timeOf } from '../text.js';

/** @import { Data, Verbs } from '../shapes.ts' */

/** @param {Data} data @param {Verbs} verbs @param {{ readonly isLost: boolean, readonly hasToken: boolean }} link */
export function headPanel({ cluster, access, now }, verbs, { isLost, hasToken }) {
  const { state, gate, program, sessions, startedAt } = cluster;
  // Without a token every verb is there: the gate says what it takes.
  const isAllowed = (/** @type {string} */ name) =>
    access.role === null || access.acts.includes(`/v1/${name}`);
  const verb = (/** @type {string} */ label, /** @type {string} */ name) =>
    isAllowed(name) && button(`${label}…`, () => verbs.open(name));
  return [
    h('h1', null, said(cluster.cluster, '', 60)),
    h(
      'div',
      { class: 'where' },
      h('span', { key: 'gate' }, 'gate ', said(gate, '', 60)),
      tag(state === 'serving' ? 'good' : 'warn', cut(state, 20)),
      tag(isLost ? 'bad' : 'good', isLost ? 'lost' : 'live'),
      access.name !== null &&
        h('span', { key: 'role' }, `${cut(access.name, 64)}, ${cut(access.role ?? '', 20)}`),
      h('span', { key: 'sessions' }, plural(sessions, 'session')),
      h(
        'span',
        { key: 'program' },
        `skewgate ${cut(program, 20)}, up ${elapsed(now - (timeOf(startedAt) ?? now))}`,
      ),
    ),
    h(
      'nav',
      { class: 'verbs', 'aria-label': 'What this gate can be told' },
      state === 'paused' ? verb('Resume', 'resume') : verb('Pause', 'pause'),
      verb('Drain', 'drain'),
      verb('Reload', 'reload'),
      !hasToken && tokenForm(verbs),
    ),
  ];
}

/**
 * What the tab says: the answer to the question on top, in a word.
 * @param {Data} data @param {boolean} isLost
 */
export function titleOf({ next, cluster }, isLost) {
  const word = isLost ? 'gate lost' : next.ready ? 'ready' : plural(next.blockers.length, 'blocker');
  return `${word}${next.to === null ? '' : ` → ${cut(next.to, 20)}`} · ${cut(cluster.cluster, 40)} · skewgate`;
}

/** For a browser that was not given the token in the address. @param {Verbs} verbs */
function tokenForm(verbs) {
  const keep = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const token = new FormData(/** @type {HTMLFormElement} */ (event.target)).get('token');
    if (typeof token === 'string' && token.trim() !== '') verbs.useToken(token.trim());
  };
  return h(
    'form',
    { class: 'form', key: 'token', onsubmit: keep },
    h('input', {
      type: 'password',
      name: 'token',
      autocomplete: 'off',
      placeholder: 'token',
      'aria-label': 'Token of the gate',
    }),
    h('button', { type: 'submit' }, 'Use it'),
  );
}
