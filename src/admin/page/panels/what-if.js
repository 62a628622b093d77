/** What if servers ran another release, or another policy held: who of today's clients would be refused. */
import { h } from '../dom.js';
import { table, tag } from '../parts.js';
import { release } from '../releases.js';
import { number, said } from '../text.js';

/** @import { Data, Refused, Verbs } from '../shapes.ts' */

const COLUMNS = [
  { title: 'clients', class: 'id' },
  { title: 'sessions', class: 'number' },
  { title: 'last hour', class: 'number' },
  { title: 'rule' },
  { title: 'must move' },
];

/** @param {Data} data @param {Verbs} verbs */
export function whatIfPanel({ servers, whatIf: { answer, error } }, verbs) {
  return [
    h('h2', { id: 'what-if-title' }, 'What if'),
    form(servers, verbs),
    h(
      'div',
      { key: 'answer', role: 'status' },
      error !== null && h('p', { class: 'bad' }, said(error, '', 400)),
      answer !== null && [
        h('p', null, said(answer.sentence, '', 1_000)),
        table({
          label: 'Who would be refused',
          columns: COLUMNS,
          rows: answer.refused.map(row),
          empty: 'Nobody would be refused.',
        }),
      ],
    ),
  ];
}

/** @param {Refused} refused */
function row({ line, sessions, seen, rule, code, move, already }) {
  return {
    key: `${line} ${rule}`,
    cells: [
      release(line),
      number(sessions),
      number(seen),
      [said(rule, 'mono', 12), ' ', said(code, 'soft', 40), already && [' ', tag('plain', 'already')]],
      move === null ? '–' : said(`${move.side} to ${move.to}`, '', 80),
    ],
  };
}

/** @param {Data['servers']} servers @param {Verbs} verbs */
function form(servers, verbs) {
  const ask = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    verbs.askWhatIf(Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.target))));
  };
  return h(
    'form',
    { class: 'form', key: 'form', onsubmit: ask },
    h(
      'label',
      null,
      'servers',
      h(
        'select',
        { name: 'server' },
        h('option', { value: '' }, 'all of them'),
        servers.map(({ id }) => h('option', { key: id, value: id }, said(id, '', 40).children)),
      ),
    ),
    h(
      'label',
      { class: 'wide' },
      'were on',
      h('input', { name: 'version', placeholder: 'a release, as 4.16.0', autocomplete: 'off' }),
    ),
    h(
      'details',
      null,
      h('summary', null, 'another policy'),
      h(
        'label',
        { class: 'wide' },
        'policy and catalogue, as in the config (YAML)',
        h('textarea', { name: 'policy', rows: '4', cols: '32', placeholder: 'policy: { preset: phoenix }' }),
      ),
    ),
    h('button', { type: 'submit' }, 'Ask'),
  );
}
