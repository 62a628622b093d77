/** What the person on call reads: what blocks the next step, and who is turned away by it. */
import { describe, expect, test } from 'vitest';
import type { FleetServer } from '../../src/planning/facts.ts';
import { nextStep } from '../../src/planning/next.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import type { SkewPolicy } from '../../src/policy/types.ts';
import { extendCatalogue } from '../../src/version/catalogue.ts';
import { parseVersion } from '../../src/version/version.ts';
import { fleet, gate, NOW } from './support.ts';

const rolling = fleet({
  servers: ['4.15.0', '4.14.1', '4.15.0'],
  level: 28,
  sessions: { '4.12.0 shop-batch 10.0.3.7': 10, '4.12.1 a': 3, '4.12.1 b': 1, '4.13.2 web': 5 },
});

const kinds = (next: ReturnType<typeof nextStep>) => next.blockers.map(({ kind }) => kind);

describe('a roll that is under way', () => {
  test('is one sentence: who is behind, who falls out, which upgrade will run, and that there is nothing else', () => {
    expect(nextStep(rolling).sentence).toBe(
      '4.15 is next. rs2 is still on 4.14.1. Then: 14 sessions of 4.12 fall out of the window (client shop-batch from 10.0.3.7, client a from 10.0.3.7, …); one upgrade will run, level 28 to 29, brought by the first 4.15 client; nothing else is in the way.',
    );
  });

  test('[M1] [M2] [M3] is the same as fields', () => {
    const next = nextStep(rolling);
    expect(next).toMatchObject({
      to: '4.15',
      ready: false,
      blockers: [
        { kind: 'server-behind', who: ['rs2'], move: { side: 'server', to: '4.15', who: ['rs2'] } },
        {
          kind: 'sessions-outside',
          who: ['4.12.0', '4.12.1'],
          move: { side: 'client', to: '4.13', who: ['4.12.0', '4.12.1'] },
        },
      ],
      refuses: [{ line: '4.12', sessions: 14, rule: 'M2' }],
      refusesSeen: [],
      upgrade: { fromLevel: 28, toLevel: 29 },
    });
    expect(next.refuses[0]?.clients[0]).toEqual({
      name: 'shop-batch',
      driver: 'driver/1',
      host: '10.0.3.7',
      gate: null,
      sessions: 10,
    });
    expect(next.path).toBeUndefined();
  });

  test('counts the sessions of the other gates, which tell no more of them than their line', () => {
    const gates = [
      gate('g1', { isSelf: true, sessions: { '4.12': 14 } }),
      gate('g2', { sessions: { '4.12': 20, '4.11': 1, '4.14': 3, other: 7 } }),
    ];
    const next = nextStep({ ...rolling, gates });
    expect(next.refuses).toMatchObject([
      { line: '4.11', sessions: 1, versions: ['4.11'], clients: [{ gate: 'g2', driver: null, sessions: 1 }] },
      { line: '4.12', sessions: 34, versions: ['4.12', '4.12.0', '4.12.1'] },
    ]);
    expect(next.sentence).toContain(
      '34 sessions of 4.12 fall out of the window (20 at g2, client shop-batch from 10.0.3.7, …)',
    );
    const ended = { ...rolling, sessions: [], gates: [gate('g1', { isSelf: true }), gate('g2')] };
    expect(nextStep(ended).refuses).toEqual([]);
  });

  test('makes no promise of an upgrade where nobody says where the tables are', () => {
    const next = nextStep(fleet({ servers: ['4.15.0', '4.14.1'] }));
    expect(next).toMatchObject({ to: '4.15', upgrade: { fromLevel: 28, toLevel: 29 } });
    expect(next.sentence).toContain('provided that a server, the ledger or `migration.baseline` says where');
    expect(nextStep(rolling).sentence).not.toContain('provided');
  });

  test('names nobody of 4.13, which stays inside the window', () => {
    expect(JSON.stringify(nextStep(rolling))).not.toContain('4.13.2');
  });

  test('counts who came in the last hour and is not connected, and is not held up by it', () => {
    const next = nextStep(
      fleet({ servers: ['4.15.0'], level: 28, seen: ['4.12.0 nightly 10.0.3.9', '4.13.0 web'] }),
    );
    expect(next).toMatchObject({
      ready: true,
      refuses: [],
      refusesSeen: [{ line: '4.12', seen: 1, sessions: 0 }],
    });
    expect(next.sentence).toContain(
      '1 client of 4.12 seen in the last hour stays out of the window (client nightly from 10.0.3.9)',
    );
  });
});

describe('which release is next', () => {
  test.each([
    ['that of the newest server, until all are on it', ['4.14.1', '4.15.0'], 28, '4.15', false],
    ['that of the servers, until its client has brought the upgrade', ['4.15.0', '4.15.1'], 28, '4.15', true],
    ['the one after, once the upgrade is done', ['4.15.0', '4.15.1'], 29, '4.16', false],
    ['one that is not in the catalogue and lies between two that are', ['4.3.0'], 7, '4.4', false],
    ['not 5.0, whose servers would be older than the tables', ['4.16.0'], 33, '5.1', false],
    ['a patch, where the patch needs newer tables', ['4.2.0', '4.2.1'], 4, '4.2', false],
  ])('%s', (_, servers, level, to, ready) => {
    const sessions = { [servers.at(-1) as string]: level === 28 ? 0 : 1 };
    expect(nextStep(fleet({ servers, level, sessions }))).toMatchObject({ to, ready });
  });

  test('a release that needs no upgrade is next until one of its clients came', () => {
    const servers = ['4.13.0', '4.13.0'];
    expect(nextStep(fleet({ servers, level: 27, sessions: { '4.12.0': 2 } }))).toMatchObject({
      to: '4.13',
      ready: true,
      upgrade: null,
      sentence: '4.13 is next. Clients may go to 4.13 without an upgrade; nothing is in the way.',
    });
    expect(nextStep(fleet({ servers, level: 27, seen: ['4.13.1'] })).to).toBe('4.14');
  });

  test('none, where the catalogue knows no later one', () => {
    const next = nextStep(fleet({ servers: ['5.4.0'], level: 45 }));
    expect(next).toMatchObject({ to: null, ready: false, blockers: [], refuses: [], upgrade: null });
    expect(next.sentence).toBe(
      'No release is next: none after 5.4 is known that the servers could go on to.',
    );
  });

  test('none, where no version is known', () => {
    const next = nextStep(fleet({ servers: ['unknown', 'unknown down'] }));
    expect(next).toMatchObject({ to: null, ready: false });
    expect(next.sentence).toContain("no server's version is known. The version of rs1 is unknown.");
    expect(kinds(next)).toEqual(['server-unknown', 'server-unknown']);
  });

  test('a policy that compares ranges takes what servers of the release speak', () => {
    const roll = fleet({ policy: PRESETS.ranges, servers: ['2.0.0', '1.0.0'], sessions: { '1.0.0': 2 } });
    const [two, one] = roll.servers as [FleetServer, FleetServer];
    const servers = [
      { ...two, protocol: { min: 2, max: 3 } },
      { ...one, protocol: { min: 1, max: 2 } },
    ];
    const sessions = roll.sessions.map((session) => ({ ...session, protocol: { min: 1, max: 1 } }));
    expect(nextStep({ ...roll, servers, sessions })).toMatchObject({
      to: '2.0',
      blockers: [{ kind: 'server-behind', who: ['rs2'] }, { kind: 'sessions-outside' }],
      refuses: [{ line: '1.0', sessions: 2, rule: 'ranges', move: { to: 'protocol 2' } }],
    });
  });

  test('a policy without system tables goes by servers and clients alone', () => {
    const policy = PRESETS.kubernetes;
    const roll = fleet({ policy, servers: ['1.30.2', '1.29.0'], sessions: { '1.27.0': 2, '1.26.0': 1 } });
    expect(nextStep(roll)).toMatchObject({
      to: '1.30',
      upgrade: null,
      refuses: [{ line: '1.26', sessions: 1 }],
    });
    expect(nextStep(fleet({ policy, servers: ['1.30.2'], sessions: { '1.30.0': 1 } })).to).toBeNull();
  });
});

describe('what is in the way', () => {
  const servers = ['4.15.0', '4.15.0'];

  test('nothing', () => {
    expect(nextStep(fleet({ servers, level: 28 }))).toMatchObject({
      ready: true,
      blockers: [],
      sentence:
        '4.15 is next. One upgrade will run, level 28 to 29, brought by the first 4.15 client; nothing is in the way.',
    });
  });

  test('servers that are down, of unknown version, or behind, each with what they are to run', () => {
    const next = nextStep(
      fleet({ servers: ['4.15.0 down', 'unknown down', '4.14.0 draining', '4.13.0 down'], level: 28 }),
    );
    expect(next.blockers.map(({ kind, who, move, message }) => [kind, who, move?.to, message])).toEqual([
      ['server-behind', ['rs3'], '4.15', 'rs3 is still on 4.14.0.'],
      ['server-down', ['rs1'], '4.15', 'rs1 is down (connect ECONNREFUSED), and counts as 4.15.0.'],
      ['server-down', ['rs4'], '4.15', 'rs4 is down (connect ECONNREFUSED), and counts as 4.13.0.'],
      ['server-unknown', ['rs2'], '4.15', 'The version of rs2 is unknown (connect ECONNREFUSED).'],
      ['server-draining', ['rs3'], '4.15', 'No server takes sessions: rs3 is draining.'],
    ]);
  });

  test('a server of the line whose patch is too old for the tables is told the patch', () => {
    const next = nextStep(fleet({ servers: ['4.2.0', '4.2.1'], level: 4 }));
    expect(next.blockers).toMatchObject([{ who: ['rs1'], move: { side: 'server', to: '4.2.1' } }]);
  });

  test.each([
    [
      'a block',
      { block: { by: 'ann', reason: 'backup', until: NOW + 720_000 } },
      'upgrade-blocked',
      'ann blocked upgrades for another 12 min: backup.',
      'unblock',
    ],
    [
      'a failure after which nobody tries again',
      { failure: { error: 'hook: status 3', attempts: 5, retryAt: null } },
      'upgrade-failed',
      'The upgrade failed: hook: status 3.',
      'retry',
    ],
    [
      'a failure whose pause is not over',
      { failure: { error: 'hook: status 3', attempts: 1, retryAt: NOW + 30_000 } },
      'upgrade-failed',
      'The upgrade failed: hook: status 3, and begins again in 30 s at the earliest.',
      undefined,
    ],
    [
      'an approval',
      { approval: { needed: true, given: false } },
      'approval-missing',
      "The upgrade waits for an operator's approval.",
      'approve',
    ],
    [
      'a certain client',
      {
        state: {
          state: 'waiting',
          for: 'the client named canary',
          missing: { kind: 'canary', name: 'canary' },
        },
      },
      'upgrade-waiting',
      'The upgrade waits for the client named canary.',
      'approve',
    ],
    [
      'a ledger in doubt',
      { state: { state: 'waiting', for: 'an operator', missing: { kind: 'ledger' } } },
      'ledger-doubted',
      'The upgrade waits for an operator.',
      'accept-ledger',
    ],
    [
      'a ledger out of reach',
      { state: { state: 'unavailable', why: 'ECONNREFUSED' } },
      'ledger-unavailable',
      'The ledger of upgrades is out of reach (ECONNREFUSED).',
      undefined,
    ],
    [
      'a lease that nobody renews',
      { holder: 'gate-2', token: 7, attempt: 1 },
      'lease-lapsed',
      'gate-2 claimed the upgrade (token 7) and no longer renews its lease.',
      undefined,
    ],
  ] as const)('%s', (_, upgrade, kind, message, to) => {
    const next = nextStep(fleet({ servers, level: 28, upgrade }));
    expect(next.blockers.map((one) => [one.kind, one.message, one.move?.to])).toEqual([[kind, message, to]]);
    expect(next.ready).toBe(false);
    expect(next.sentence).toContain(message);
  });

  test('nothing of that where no upgrade is needed, but the lease', () => {
    const upgrade = {
      block: { by: 'ann', reason: 'backup', until: null },
      failure: { error: 'x', attempts: 1, retryAt: null },
      approval: { needed: true, given: false },
    };
    const done = fleet({ servers: ['4.13.0'], level: 27, upgrade });
    expect(nextStep(done)).toMatchObject({ to: '4.13', ready: true });
  });

  test('not a block that has run out, nor an approval that was given', () => {
    const upgrade = {
      block: { by: 'ann', reason: 'backup', until: NOW - 1 },
      approval: { needed: true, given: true },
    };
    expect(nextStep(fleet({ servers, level: 28, upgrade })).blockers).toEqual([]);
  });

  test('an upgrade that is running is not in the way: it is told of', () => {
    const upgrade = {
      state: { state: 'running', downtime: false },
      holder: 'gate-1',
      leaseAlive: true,
      attempt: 2,
    } as const;
    const next = nextStep(fleet({ servers, level: 28, upgrade }));
    expect(next.blockers).toEqual([]);
    expect(next.sentence).toContain('n upgrade is running, level 28 to 29 (gate-1, attempt 2)');
  });

  test('an operator who has everybody wait, or drains the gate, until that is over', () => {
    const order = { by: 'ann', reason: 'deploy' };
    const orders = [
      { ...order, what: 'pause', until: NOW + 240_000 },
      { ...order, what: 'drain', until: null, reason: '' },
      { ...order, what: 'pause', until: NOW },
    ] as const;
    const next = nextStep({ ...fleet({ servers, level: 28 }), orders });
    expect(next.blockers.map(({ kind, move, message }) => [kind, move?.to, message])).toEqual([
      ['paused', 'resume', 'ann has new clients wait for another 4 min: deploy.'],
      ['gate-draining', 'undrain', 'ann drains this gate.'],
    ]);
  });

  test('[M3] an upgrade whose servers are done and which is not on record yet is still the step', () => {
    const upgrade = {
      state: { state: 'running', downtime: false },
      holder: 'gate-1',
      leaseAlive: true,
    } as const;
    expect(nextStep(fleet({ servers, level: 28, reached: 29, upgrade }))).toMatchObject({
      to: '4.15',
      ready: true,
      upgrade: { fromLevel: 28, toLevel: 29 },
    });
  });

  test('gates that disagree: on the policy, on the catalogue, in their program', () => {
    const next = nextStep(
      fleet({
        servers,
        level: 28,
        gates: [
          gate('g1', { isSelf: true }),
          gate('g2', { policyHash: 'ffff' }),
          gate('g3', { policyHash: 'eeee', catalogueHash: 'c2' }),
          gate('g4', { program: '0.2.0' }),
        ],
      }),
    );
    expect(next.blockers.map(({ kind, who, message }) => [kind, who, message])).toEqual([
      ['gates-policy', ['g2'], 'g2 decides by another policy (ffff) than g1 (a1b2c3d4e5f6).'],
      ['gates-catalogue', ['g3'], 'g3 decides by another catalogue (c2) than g1 (c1).'],
      ['gates-program', ['g1', 'g2', 'g3'], 'g1, g2 and g3 run skewgate 0.1.0, others 0.2.0.'],
    ]);
  });
});

describe('a target', () => {
  test('[M5] the whole way, line by line, with whom each step refuses and which lines may be passed over', () => {
    const next = nextStep(rolling, '4.16');
    expect(next).toMatchObject({
      to: '4.16',
      ready: false,
      refuses: [
        { line: '4.12', sessions: 14 },
        { line: '4.13', sessions: 5 },
      ],
      upgrade: { fromLevel: 28, toLevel: 33 },
      path: [
        { to: '4.15', refuses: [{ line: '4.12' }], upgrade: { fromLevel: 28, toLevel: 29 }, optional: true },
        { to: '4.16', refuses: [{ line: '4.13' }], upgrade: { fromLevel: 29, toLevel: 33 }, optional: false },
      ],
    });
    expect(next.sentence).toMatch(
      /^4\.16 takes 2 steps\. To 4\.15: rs2 is still on 4\.14\.1\. Then: 14 sessions/,
    );
    expect(next.sentence).toContain('To 4.16: rs1, rs2 and rs3 go on to 4.16. Then: 5 sessions of 4.13');
  });

  test('that is reached', () => {
    expect(nextStep(fleet({ servers: ['4.15.0'], level: 29 }), '4.15')).toMatchObject({
      to: '4.15',
      ready: true,
      path: [],
      sentence: 'Every server is on 4.15, and the system tables are at level 29: nothing is left to do.',
    });
  });

  test('that lies behind', () => {
    expect(nextStep(rolling, '4.14')).toMatchObject({
      ready: false,
      blockers: [{ kind: 'not-ahead', who: ['rs1', 'rs3'] }],
      sentence: 'rs1 (4.15.0) and rs3 (4.15.0) are past 4.14 already: steps lead forward only.',
    });
  });

  test('that servers could not be on, since the tables are past it', () => {
    expect(nextStep(fleet({ servers: ['4.16.0'], level: 33 }), '5.0')).toMatchObject({
      ready: false,
      blockers: [{ kind: 'not-ahead', move: { side: 'server', to: '5.1' } }],
    });
  });

  test('is refused where it is no release line', () => {
    expect(() => nextStep(rolling, '4.16.0')).toThrow(/is not a release line/);
  });

  const withRelease = (version: string, more: object): SkewPolicy => ({
    ...PRESETS.phoenix,
    catalogue: extendCatalogue(PRESETS.phoenix.catalogue, [{ version: parseVersion(version), ...more }]),
  });

  test('tables do not go back on the way, where a release that needs less lies on it', () => {
    const policy = PRESETS['phoenix-as-coded'];
    const { path = [] } = nextStep(fleet({ servers: ['4.16.0'], level: 33, policy }), '5.2');
    expect(path.map(({ to, upgrade }) => [to, upgrade])).toEqual([
      ['5.0', null],
      ['5.1', null],
      ['5.2', { fromLevel: 33, toLevel: 38 }],
    ]);
  });

  test('[M5] a release that must be stopped at may not be passed over', () => {
    const policy = withRelease('4.15.0', { level: 29, mustStop: true });
    const { path = [] } = nextStep(fleet({ servers: ['4.14.0'], level: 28, policy }), '4.16');
    expect(path.map(({ to, optional }) => [to, optional])).toEqual([
      ['4.15', false],
      ['4.16', false],
    ]);
  });

  test('[M4] [M5] before 4.3 every minor is a step, and clients of older ones fall out as the tables move on', () => {
    const next = nextStep(fleet({ servers: ['4.0.0'], level: 0, sessions: { '4.0.1': 3 } }), '4.2');
    expect(next.path).toMatchObject([
      { to: '4.1', optional: false, refuses: [{ line: '4.0', sessions: 3, rule: 'M4', code: 'LOCKSTEP' }] },
      { to: '4.2', optional: false, refuses: [] },
    ]);
    expect(next.sentence).toContain('3 sessions of 4.0 are older than the system tables');
  });

  test('[J1] a major without an entry is in the way; with one its demands are told, and whose sessions end', () => {
    const servers = ['6.0.0'];
    const sessions = { '6.0.0': 2 };
    const policy = withRelease('6.0.0', { level: 50 });
    expect(nextStep(fleet({ servers, level: 45, policy, sessions }))).toMatchObject({
      blockers: [{ kind: 'catalogue', move: { side: 'operator' } }],
    });
    const stated = withRelease('6.0.0', { level: 50, major: { downtime: true, script: './major.sh' } });
    const next = nextStep(
      fleet({ servers: ['5.4.0'], level: 45, policy: stated, sessions: { '5.4.0': 2 } }),
      '6.0',
    );
    expect(next.refuses).toMatchObject([{ line: '5.4', sessions: 2, rule: 'J1', temporary: false }]);
    const entered = nextStep(fleet({ servers, level: 45, policy: stated, sessions }));
    expect(entered).toMatchObject({
      ready: true,
      refuses: [{ line: '6.0', sessions: 2, rule: 'J1', code: 'DOWNTIME_REQUIRED', temporary: true }],
    });
    expect(entered.sentence).toContain(
      't needs downtime: 2 sessions end, and nobody is admitted while the upgrade runs',
    );
    expect(next.sentence).toContain('the script ./major.sh runs');
  });
});
