/** What the page asks the gate for, again and again, and what the panels show before the first answer. */

import { compareVersions } from './releases.js';

/** @import { Data, Policy } from './shapes.ts' */

/**
 * @typedef {{ readonly sessionFilter: { readonly client: string, readonly server: string }, readonly sessionLimit: number, readonly target: string | null }} Wishes
 *   What whoever looks wants to see.
 * @typedef {{ readonly path: (wishes: Wishes) => string, readonly every?: number, readonly take: (answer: never, wishes: Wishes) => Partial<Data> }} Source
 *   `every`: asked at every so many rounds only.
 */

/** Sessions on the page at first, and how many more each time. */
export const SESSIONS_AT_ONCE = 50;

/** @param {string} path @param {Readonly<Record<string, string | number | null>>} query */
function withQuery(path, query) {
  const stated = Object.entries(query).filter(([, value]) => value !== null && value !== '');
  const text = new URLSearchParams(stated.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? path : `${path}?${text}`;
}

/**
 * Release lines that a catalogue knows, ascending.
 * @param {Policy['policy']['catalogue']} catalogue
 */
function linesOf(catalogue) {
  const lines = (catalogue?.releases ?? []).map(({ version: { major, minor } }) => `${major}.${minor}`);
  return [...new Set(lines)].sort(compareVersions);
}

/** @type {Readonly<Record<string, Source>>} */
export const SOURCES = {
  access: {
    path: () => '/v1/access',
    take: (/** @type {Data['access']} */ access) => ({ access }),
  },
  cluster: {
    path: () => '/v1/cluster',
    take: (/** @type {Data['cluster']} */ cluster) => ({ cluster }),
  },
  servers: {
    path: () => '/v1/servers',
    take: (/** @type {Pick<Data, 'servers'>} */ { servers }) => ({ servers }),
  },
  next: {
    path: ({ target }) => withQuery('/v1/next', { to: target }),
    take: (/** @type {Data['next']} */ next, { target }) => ({ next, target }),
  },
  clients: {
    path: () => '/v1/clients',
    take: (/** @type {{ lines: Data['clients'] }} */ { lines }) => ({ clients: lines }),
  },
  upgrade: {
    path: () => '/v1/upgrade',
    take: (/** @type {Data['upgrade']} */ upgrade) => ({ upgrade }),
  },
  waiting: {
    path: () => '/v1/waiting',
    take: (/** @type {Pick<Data, 'waiting'>} */ { waiting }) => ({ waiting }),
  },
  refusals: {
    path: () => '/v1/refusals',
    take: (/** @type {Pick<Data, 'refusals'>} */ { refusals }) => ({ refusals }),
  },
  sessions: {
    path: ({ sessionFilter, sessionLimit }) =>
      withQuery('/v1/sessions', { ...sessionFilter, limit: sessionLimit }),
    take: (/** @type {Omit<Data['sessions'], 'filter'>} */ sessions, { sessionFilter }) => ({
      sessions: { ...sessions, filter: sessionFilter },
    }),
  },
  gates: {
    path: () => '/v1/gates',
    take: (/** @type {Pick<Data, 'gates'>} */ { gates }) => ({ gates }),
  },
  orders: {
    path: () => '/v1/orders',
    take: (/** @type {Pick<Data, 'orders'>} */ { orders }) => ({ orders }),
  },
  audit: {
    path: () => '/v1/audit',
    take: (/** @type {{ acts: Data['audit'] }} */ { acts }) => ({ audit: acts }),
  },
  policy: {
    path: () => '/v1/policy',
    every: 30,
    take: (/** @type {Policy} */ { policy: { catalogue } }) => ({ releases: linesOf(catalogue) }),
  },
  charts: {
    path: () => '/v1/charts',
    every: 5,
    take: (/** @type {Data['charts']} */ charts) => ({ charts }),
  },
};

/** @type {Data} */
export const NOTHING = {
  now: 0,
  access: { reading: true, name: null, role: null, acts: [] },
  cluster: {
    cluster: '',
    gate: '',
    program: '',
    startedAt: 0,
    now: 0,
    state: 'starting',
    policy: '',
    policyHash: '',
    listeners: [],
    level: null,
    sessions: 0,
    handshakes: 0,
    held: 0,
  },
  servers: [],
  clients: [],
  next: { to: null, ready: false, blockers: [], refuses: [], refusesSeen: [], upgrade: null, sentence: '' },
  releases: [],
  target: null,
  upgrade: {
    state: 'idle',
    sentence: '',
    level: null,
    release: null,
    holder: null,
    token: null,
    attempt: null,
    leaseAlive: false,
    leaseLeftMs: null,
    step: null,
    steps: null,
    progress: null,
    progressText: null,
    elapsedMs: null,
    expectedMs: null,
    blocks: [],
    approvedBy: null,
    error: null,
    retryAt: null,
  },
  waiting: [],
  refusals: [],
  sessions: { sessions: [], next: null, total: 0, filter: { client: '', server: '' } },
  decisions: [],
  stream: 'lost',
  gates: [],
  orders: [],
  audit: [],
  charts: { times: [], lines: {}, admitted: [], refused: [], held: [] },
  whatIf: { answer: null, error: null },
};
