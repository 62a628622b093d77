/** A record of each kind, as gates write them; each is held to the log's schema. */
import type { LogRecord } from '../../src/decision/record.ts';
import { recordSchema } from '../../src/decision/schema.ts';
import { IDENTITY } from './support.ts';

export const TIME = '2026-01-31T12:00:00.250Z';

const decision = {
  rule: 'M2',
  client: '4.13.2',
  observed: { oldest: '4.14.0', newest: '4.14.1', level: 28 },
  retry: 'never',
  retryAfterMs: null,
  vendorCode: null,
  sqlState: null,
  notices: [],
  notes: [{ release: '4.15.0', text: 'mind the index', link: null }],
} as const;

const handshake = {
  event: 'handshake',
  ...IDENTITY,
  listener: 'tcp://127.0.0.1:8700',
  connection: 'abcdefghijkl',
  peer: '10.0.3.7:50123',
  driver: 'jdbc',
  protocol: 'skewgate',
  claim: null,
  tls: { requested: false, version: null },
  properties: { user: 'ada', applicationName: 'shop' },
  identity: null,
  credential: null,
  waitedFor: null,
  phases: { helloMs: 0.25, heldMs: 0, dialMs: 1.5, totalMs: 2.125 },
  policyHash: '0123456789ab',
  ...decision,
} as const;

const attempt = {
  client: '4.14.0',
  token: 3,
  steps: [{ from: '4.13.0', to: '4.14.0', fromLevel: 27, toLevel: 28 }],
  fromLevel: 27,
  toLevel: 28,
} as const;

export const EVERY_RECORD: readonly LogRecord[] = [
  {
    ...handshake,
    session: 'abcdefghijklmnop',
    server: 'rs1',
    serverVersion: '4.14.0',
    verdict: 'permit',
    code: 'PERMITTED',
    move: null,
    message: 'Client 4.13.2 is inside the window.',
  },
  {
    ...handshake,
    peer: '[2001:db8::7]:50124',
    session: null,
    server: null,
    serverVersion: null,
    phases: { helloMs: null, heldMs: 0, dialMs: null, totalMs: 1 },
    verdict: 'refuse',
    code: 'SERVER_OUTDATED',
    rule: 'M1',
    move: { side: 'server', to: '4.15', who: ['rs1', 'rs2'] },
    retry: 'after-change',
    vendorCode: 2007,
    sqlState: 'INT09',
    message: 'Client 4.15.0 is newer than rs1 (4.14.0).',
    trace: [{ rule: 'M1', outcome: 'fail', because: 'rs1 is older' }],
  },
  {
    event: 'session-end',
    ...IDENTITY,
    session: 'abcdefghijklmnop',
    client: '4.13.2',
    peer: '10.0.3.7:50123',
    properties: {},
    identity: null,

    server: 'rs1',
    reason: 'server-gone',
    code: null,
    message: null,
    error: 'read ECONNRESET',
    bytesFromClient: 5,
    bytesFromServer: 9_007_199_254_740_991,
    durationMs: 12.5,
  },
  {
    event: 'server',
    ...IDENTITY,
    server: 'rs1',
    first: false,
    state: 'down',
    version: null,
    previousState: 'up',
    previousVersion: '4.14.0',
    level: null,
    lastError: 'connect ECONNREFUSED',
  },
  {
    event: 'gate',
    ...IDENTITY,
    what: 'started',
    policyHash: '0123456789ab',
    listeners: ['tcp://x:1'],
    error: null,
  },
  { event: 'gate', ...IDENTITY, what: 'fault', policyHash: '0123456789ab', listeners: [], error: 'a defect' },
  {
    event: 'operator',
    ...IDENTITY,
    what: 'drain',
    stage: 'begun',
    by: 'ada',
    reason: 'maintenance',
    target: { kind: 'server', name: 'rs1' },
    order: 'o1',
    scope: 'gate',
    until: null,
    overMs: 600_000,
    sessions: 14,
    effect: 'closes 14 sessions over 10 min',
  },
  { event: 'migration', ...IDENTITY, what: 'started', ...attempt },
  {
    event: 'migration',
    ...IDENTITY,
    what: 'failed',
    ...attempt,
    attempt: 1,
    error: 'the hook failed',
    retryAt: null,
  },
  { event: 'log-lost', ...IDENTITY, lost: 7, since: '2026-01-31T11:59:00.000Z' },
];

for (const record of EVERY_RECORD) recordSchema.parse({ time: TIME, ...record });
