/**
 * The verbs that the page can tell the gate, each with the fields of its form and what it sends. The dialog
 * (dialog.js) shows them; what a verb would do comes from the gate itself, by `dryRun`.
 */

/**
 * @typedef {Readonly<Record<string, string>>} Values
 * @typedef {{
 *   readonly name: string,
 *   readonly label: string,
 *   readonly kind: 'text' | 'check' | 'choice' | 'secret',
 *   readonly hint?: string,
 *   readonly choices?: readonly (readonly [value: string, label: string])[],
 *   readonly shown?: (values: Values) => boolean,
 *   readonly start?: string,
 * }} Field
 * @typedef {{
 *   readonly title: string,
 *   readonly act: string,
 *   readonly path: string,
 *   readonly fields: readonly Field[],
 *   readonly body: (values: Values) => Record<string, unknown>,
 * }} Verb
 */

/**
 * How long a drain is waited for. How far one is that takes longer is among the orders in force; a browser has only few
 * connections to one gate, and those are for what changes.
 */
const DRAIN_WAIT = '5s';

/** @type {Field} */
const REASON = { name: 'reason', label: 'reason, for the record', kind: 'text', hint: 'why' };
/** @type {Field} */
const BY = { name: 'by', label: 'your name, for the record', kind: 'text', hint: 'who acts' };
/** @type {Field} */
const ALL = { name: 'allGates', label: 'all gates of the cluster', kind: 'check' };
/** @param {string} label @param {string} start @returns {Field} */
const lasting = (label, start) => ({ name: 'for', label, kind: 'text', hint: 'as 10m or 2h', start });

/** @type {readonly (readonly [string, string])[]} */
const TARGETS = [
  ['clients', 'a range of client releases'],
  ['server', 'a server'],
  ['listener', 'a listener'],
  ['gate', 'this gate'],
];

/** @type {readonly Field[]} */
const TARGET_FIELDS = [
  { name: 'target', label: 'what', kind: 'choice', choices: TARGETS },
  {
    name: 'clients',
    label: 'range',
    kind: 'text',
    hint: 'as <4.14 or 4.12.x',
    shown: ({ target }) => target === 'clients',
  },
  {
    name: 'server',
    label: 'server',
    kind: 'text',
    hint: 'its id',
    shown: ({ target }) => target === 'server',
  },
  {
    name: 'listener',
    label: 'listener',
    kind: 'text',
    hint: 'its address',
    shown: ({ target }) => target === 'listener',
  },
];

/** @param {Values} values */
function targetOf({ target = 'gate', ...values }) {
  return target === 'gate' ? {} : { [target]: values[target] ?? '' };
}

/** Fields that say something, as the API has them: nothing is sent of those left empty. @param {Values} values @param {readonly string[]} names */
function stated(values, names) {
  const entries = names.flatMap((name) => {
    const value = values[name] ?? '';
    if (value === '') return [];
    return [[name, name === 'allGates' ? value === 'on' : value]];
  });
  return Object.fromEntries(entries);
}

/** @param {string} name @param {string} title @param {string} act @param {readonly Field[]} [fields] @returns {Verb} */
function migration(name, title, act, fields = []) {
  return {
    title,
    act,
    path: `/v1/migration/${name}`,
    fields: [...fields, REASON, BY],
    body: (values) => stated(values, [...fields.map((field) => field.name), 'reason', 'by']),
  };
}

/** @type {Readonly<Record<string, Verb>>} */
export const VERBS = {
  pause: {
    title: 'Pause: new clients wait',
    act: 'Pause',
    path: '/v1/pause',
    fields: [lasting('for at most', '10m'), REASON, BY, ALL],
    body: (values) => stated(values, ['for', 'reason', 'by', 'allGates']),
  },
  resume: {
    title: 'Resume: admit new clients again',
    act: 'Resume',
    path: '/v1/resume',
    fields: [REASON, BY, ALL],
    body: (values) => stated(values, ['reason', 'by', 'allGates']),
  },
  drain: {
    title: 'Drain: take nothing new, let sessions end',
    act: 'Drain',
    path: '/v1/drain',
    fields: [
      ...TARGET_FIELDS,
      {
        name: 'over',
        label: 'end sessions evenly over',
        kind: 'text',
        hint: 'as 10m; never: they end as they like',
        start: '10m',
      },
      lasting('for', ''),
      REASON,
      BY,
      ALL,
    ],
    body: (values) => ({
      ...targetOf(values),
      ...stated(values, ['over', 'for', 'reason', 'by', 'allGates']),
      wait: DRAIN_WAIT,
    }),
  },
  undrain: {
    title: 'Undrain: take clients again',
    act: 'Undrain',
    path: '/v1/undrain',
    fields: [...TARGET_FIELDS, REASON, BY, ALL],
    body: (values) => ({ ...targetOf(values), ...stated(values, ['reason', 'by', 'allGates']) }),
  },
  kick: {
    title: 'Close a session',
    act: 'Close it',
    path: '/v1/kick',
    fields: [{ name: 'session', label: 'session', kind: 'text' }, REASON, BY],
    body: (values) => stated(values, ['session', 'reason', 'by']),
  },
  reload: {
    title: 'Reload the config',
    act: 'Reload',
    path: '/v1/reload',
    fields: [REASON, BY],
    body: (values) => stated(values, ['reason', 'by']),
  },
  approve: migration('approve', 'Approve: the next newer client may bring the upgrade', 'Approve'),
  block: migration('block', 'Block: let no upgrade begin', 'Block', [lasting('for', '')]),
  unblock: migration('unblock', 'Unblock: upgrades may begin again', 'Unblock', [
    { name: 'of', label: "only this operator's block", kind: 'text', hint: 'empty: all blocks' },
  ]),
  retry: migration('retry', 'Retry: the next newer client may try again at once', 'Retry'),
  abort: migration('abort', 'Abort the running upgrade', 'Abort'),
  'accept-ledger': migration('accept-ledger', 'Accept the ledger: it is the right one', 'Accept'),
};

/**
 * What a form begins with.
 * @param {Verb} verb @param {Values} subject
 * @returns {Record<string, string>}
 */
export function startingValues({ fields }, subject) {
  const start = fields.map(({ name, start = '', kind, choices }) => [
    name,
    kind === 'choice' ? (choices?.[0]?.[0] ?? '') : start,
  ]);
  const target = TARGETS.find(([name]) => subject[name] !== undefined)?.[0];
  return { ...Object.fromEntries(start), ...subject, ...(target !== undefined && { target }) };
}
