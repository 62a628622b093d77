/** A fleet in the middle of an upgrade, as the API tells of it: what the page's tests begin with. */
import type { Charts, Data, Decision } from '../../../src/admin/page/shapes.ts';

/** ms since the epoch at which all of it is true. */
const NOW = Date.now();
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1_000).toISOString();

const cluster: Data['cluster'] = {
  cluster: 'orders',
  gate: 'gate-a',
  program: '0.1.0',
  startedAt: at(93_780),
  now: at(0),
  state: 'serving',
  policy: 'phoenix',
  policyHash: '4f1d0c5b9a77',
  listeners: ['tcp://10.0.0.1:8700'],
  level: 28,
  sessions: 71,
  handshakes: 2,
  held: 2,
};

const server = (id: string, version: string | null, more: Partial<Data['servers'][number]>) =>
  ({
    id,
    address: `tcp://${id}:9001`,
    state: 'up',
    version,
    level: 28,
    sessions: 24,
    lastError: null,
    lastProbeAt: at(1.4),
    ...more,
  }) as const;

const servers: Data['servers'] = [
  server('rs1', '4.15.0', { sessions: 31 }),
  server('rs2', '4.14.1', { sessions: 40 }),
  server('rs3', '4.15.0', {
    state: 'down',
    sessions: 0,
    lastError: 'connect ECONNREFUSED 10.0.0.13:9001',
    lastProbeAt: at(3),
  }),
];

const line = (name: string, sessions: number, more: Partial<Data['clients'][number]>) =>
  ({
    line: name,
    versions: [`${name}.0`],
    sessions,
    lastSeenAt: NOW - 4_000,
    hosts: ['10.0.3.7', '10.0.3.8'],
    drivers: ['skewgate-js/0.1'],
    who: ['shop-web'],
    verdictNow: 'permit',
    codeNow: 'PERMITTED',
    verdictNext: 'permit',
    codeNext: 'PERMITTED',
    status: 'current',
    ...more,
  }) as const;

const clients: Data['clients'] = [
  line('4.12', 14, {
    who: ['shop-batch'],
    hosts: ['10.0.3.7'],
    verdictNext: 'refuse',
    codeNext: 'CLIENT_OUTDATED',
    status: 'leaving',
  }),
  line('4.13', 21, { who: ['billing', 'reports'] }),
  line('4.14', 36, {}),
  line('4.15', 0, {
    who: ['canary'],
    verdictNow: 'refuse',
    codeNow: 'SERVER_OUTDATED',
    verdictNext: 'migrate',
    status: 'unseen',
    lastSeenAt: NOW - 130_000,
  }),
];

const next: Data['next'] = {
  to: '4.15',
  ready: false,
  blockers: [
    {
      kind: 'server-behind',
      who: ['rs2'],
      move: { side: 'server', to: '4.15', who: ['rs2'] },
      message: 'rs2 is still on 4.14.1.',
    },
    {
      kind: 'server-down',
      who: ['rs3'],
      move: { side: 'server', to: 'up', who: ['rs3'] },
      message: 'rs3 is down: connect ECONNREFUSED 10.0.0.13:9001.',
    },
    {
      kind: 'approval-missing',
      who: ['operator'],
      move: { side: 'operator', to: 'approve the upgrade', who: [] },
      message: 'Nobody has approved the upgrade yet.',
    },
  ],
  refuses: [
    {
      line: '4.12',
      sessions: 14,
      seen: 0,
      rule: 'M2',
      code: 'CLIENT_OUTDATED',
      move: { side: 'client', to: '4.13', who: ['4.12.0'] },
      already: false,
      temporary: false,
      versions: ['4.12.0'],
      clients: [
        { name: 'shop-batch', driver: 'skewgate-js/0.1', host: '10.0.3.7', gate: null, sessions: 14 },
      ],
    },
  ],
  refusesSeen: [],
  upgrade: { fromLevel: 28, toLevel: 29 },
  sentence:
    '4.15 is next. rs2 is still on 4.14.1, and rs3 is down. Then: 14 sessions of 4.12 fall out of the window (client shop-batch from 10.0.3.7); one upgrade will run, level 28 to 29, brought by the first 4.15 client, once an operator approves it.',
};

const upgrade: Data['upgrade'] = {
  state: 'running',
  sentence: 'gate-a runs the upgrade from level 28 to 29, brought by a 4.15.0 client.',
  level: 28,
  release: '4.14.0',
  holder: 'gate-a',
  token: 12,
  attempt: 1,
  leaseAlive: true,
  leaseLeftMs: 11_400,
  step: 1,
  steps: 2,
  progress: 0.42,
  progressText: 'SYSTEM.CATALOG: 420 of 1,000 regions',
  elapsedMs: 38_200,
  expectedMs: 90_000,
  blocks: [],
  approvedBy: 'mara',
  error: null,
  retryAt: null,
};

/** A decision as the stream tells it. */
export function decision(id: number, more: Partial<Decision> = {}): Decision {
  return {
    id: String(id),
    time: new Date(NOW - 60_000 + id * 100).toISOString(),
    verdict: 'permit',
    code: 'PERMITTED',
    rule: 'M2',
    client: '4.14.0',
    message: 'Client 4.14.0 fits every server.',
    move: null,
    peer: '10.0.3.8:51934',
    listener: 'tcp://10.0.0.1:8700',
    driver: 'skewgate-js/0.1',
    session: 's1',
    server: 'rs1',
    serverVersion: '4.15.0',
    waitedFor: null,
    phases: { heldMs: 0, dialMs: 1, totalMs: 3 },
    trace: [
      { rule: 'J1', outcome: 'pass', because: 'client and servers share one major' },
      { rule: 'M1', outcome: 'pass', because: 'no server is older than the client' },
    ],
    ...more,
  };
}

function session(at: number): Data['sessions']['sessions'][number] {
  const client = ['4.12.0', '4.13.2', '4.14.0'][at % 3] as string;
  return {
    session: `session-${at}`,
    client,
    driver: 'skewgate-js/0.1',
    properties: { user: 'shop' },
    identity: null,
    server: at % 2 === 0 ? 'rs1' : 'rs2',
    listener: 'tcp://10.0.0.1:8700',
    peer: `10.0.3.${at}:5${1000 + at}`,
    startedAt: new Date(NOW - at * 91_000).toISOString(),
    bytesFromClient: at * 12_345,
    bytesFromServer: at ** 3 * 98_765,
  };
}

function charts(): Charts {
  const times = Array.from({ length: 180 }, (_, at) => Math.floor(NOW / 1_000) - (179 - at) * 60);
  const wave = (height: number, bend: number) =>
    times.map((_, at) => Math.round(height * (1 + 0.2 * Math.sin(at / bend)) * Math.min(1, at / 30)));
  return {
    times,
    lines: { '4.12': wave(14, 20), '4.13': wave(21, 33), '4.14': wave(36, 17) },
    admitted: wave(40, 9),
    refused: times.map((_, at) => (at > 120 && at < 140 ? 12 : 0)),
    held: times.map((_, at) => (at > 170 ? 2 : 0)),
  };
}

/** What the API answers, by path; each test gets a copy of its own. */
export function fleet(): Record<string, unknown> {
  return structuredClone({
    '/v1/access': { reading: true, name: null, role: null, acts: [] },
    '/v1/cluster': cluster,
    '/v1/servers': { servers },
    '/v1/clients': { lines: clients },
    '/v1/next': next,
    '/v1/upgrade': upgrade,
    '/v1/waiting': {
      waiting: [
        {
          connection: 'c1',
          client: '4.15.0',
          peer: '10.0.3.20:50001',
          since: at(38),
          code: 'UPGRADE_IN_PROGRESS',
          message: 'The upgrade is running.',
        },
        {
          connection: 'c2',
          client: '4.15.0',
          peer: '10.0.3.21:50002',
          since: at(12),
          code: 'UPGRADE_IN_PROGRESS',
          message: 'The upgrade is running.',
        },
      ],
    },
    '/v1/refusals': {
      refusals: [
        {
          code: 'SERVER_OUTDATED',
          side: 'server',
          to: '4.15',
          who: ['rs2'],
          line: '4.15',
          count: 212,
          lastAt: at(130),
        },
        {
          code: 'CLIENT_OUTDATED',
          side: 'client',
          to: '4.12',
          who: ['4.11.0'],
          line: '4.11',
          count: 3,
          lastAt: at(1_900),
        },
      ],
    },
    '/v1/sessions': {
      sessions: Array.from({ length: 25 }, (_, at) => session(at + 1)),
      next: 'more',
      total: 71,
    },
    '/v1/gates': {
      gates: [
        {
          id: 'gate-a',
          isSelf: true,
          admin: null,
          program: '0.1.0',
          policyHash: '4f1d0c5b9a77',
          catalogueHash: '1a2b3c4d5e6f',
          sessions: { '4.12': 8, '4.13': 12, '4.14': 20 },
          lastSeenAt: at(0),
        },
        {
          id: 'gate-b',
          isSelf: false,
          admin: 'http://10.0.0.2:8790',
          program: '0.1.0',
          policyHash: '99aa00bb11cc',
          catalogueHash: '1a2b3c4d5e6f',
          sessions: { '4.12': 6, '4.14': 16 },
          lastSeenAt: at(2),
        },
      ],
    },
    '/v1/orders': {
      orders: [
        {
          id: 'o1',
          what: 'drain',
          target: { kind: 'clients', name: '<4.12' },
          by: 'mara',
          reason: 'end of life',
          at: at(700),
          until: null,
          overMs: 600_000,
          scope: 'cluster',
          sessions: 9,
          left: 3,
        },
      ],
    },
    '/v1/audit': {
      acts: [
        {
          id: 'a2',
          time: at(700),
          by: 'mara',
          what: 'drain',
          reason: 'end of life',
          sentence: 'Drains clients <4.12 evenly over 10 min.',
        },
        {
          id: 'a1',
          time: at(3_000),
          by: 'jo',
          what: 'approve',
          reason: 'tested on staging',
          sentence: 'Approves the next upgrade.',
        },
      ],
    },
    '/v1/policy': {
      policy: {
        catalogue: { releases: [13, 14, 15, 16].map((minor) => ({ version: { major: 4, minor } })) },
      },
    },
    '/v1/charts': charts(),
  });
}
