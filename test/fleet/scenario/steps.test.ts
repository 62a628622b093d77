/** What each step of a scenario does to the fleet, on virtual time. */
import { describe, expect, test } from 'vitest';
import { failuresOf, play, scenarioOf } from '../../support/scenarios.ts';

const TABLES = { count: 2, version: '4.14.0', tables: '4.13.0', upgradeTime: '2s' };
const app = (more: object = {}) => [{ name: 'app', version: '4.14.0', ...more }];

describe('clients', () => {
  test('connect waits until the whole group has set out, arrive does not', async () => {
    const clients = app({ count: 10, over: '9s' });
    const [connected, arriving] = await Promise.all([
      play({ clients, steps: [{ connect: 'app' }, { expect: { sessions: 10 } }] }),
      play({
        clients,
        steps: [{ arrive: 'app' }, { expect: { sessions: 1 } }, { wait: '9s' }],
        expect: { sessions: 10 },
      }),
    ]);
    expect(failuresOf(connected)).toEqual([]);
    expect(failuresOf(arriving)).toEqual([]);
  });

  test.each([
    ['evenly', 5],
    ['faster', 3],
  ] as const)('half of the time, clients that arrive %s: %i of 10', async (arrival, sessions) => {
    const clients = app({ count: 10, over: '10s', arrival });
    const report = await play({
      clients,
      steps: [{ arrive: 'app' }, { wait: '4800ms' }, { expect: { sessions } }],
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('clients that arrive at random do so as the seed says, and all arrive', async () => {
    const arrivals = async (seed: number) => {
      const { sessions } = await play({
        seed,
        clients: app({ count: 20, over: '10s', arrival: 'randomly' }),
        steps: [{ connect: 'app' }],
        expect: { sessions: 20 },
      });
      return sessions.map(({ at }) => at);
    };
    const [one, again, other] = [await arrivals(1), await arrivals(1), await arrivals(2)];
    expect(one).toHaveLength(20);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  test('a session that ends by itself is not dropped, and its client comes again', async () => {
    const report = await play({
      clients: app({ stay: '1s', again: '1s' }),
      steps: [{ connect: 'app' }, { wait: '5s' }],
      expect: { admitted: 3, dropped: 0 },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('who disconnects is not dropped, and stays away', async () => {
    const report = await play({
      clients: app({ again: '100ms' }),
      steps: [{ connect: 'app' }, { disconnect: 'app' }, { wait: '5s' }],
      expect: { admitted: 1, dropped: 0, sessions: 0 },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('who disconnects on the way in keeps no session', async () => {
    const report = await play({
      servers: TABLES,
      clients: app(),
      steps: [{ connect: 'app' }, { disconnect: 'app' }, { wait: '5s' }],
      expect: { upgrades: [28], sessions: 0, dropped: 0 },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('who is there and arrives comes anew: one session each, and that one counts when it drops', async () => {
    const servers = { count: 1, version: '4.14.0' };
    const report = await play({
      servers,
      clients: app({ count: 2 }),
      steps: [
        { connect: 'app' },
        { connect: 'app' },
        { expect: { admitted: 4, sessions: 2, dropped: 0 } },
        { kill: 'rs1' },
      ],
      expect: { dropped: 2, sessions: 0 },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('a group that changes comes again on its new version, also while it was on its way in', async () => {
    const report = await play({
      servers: TABLES,
      clients: app({ count: 2 }),
      steps: [{ connect: 'app' }, { change: { group: 'app', to: '4.13.0' } }, { wait: '5s' }],
      expect: { sessions: 2, admitted: { '4.13.0': 2 }, dropped: 0 },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('a client whose session is dropped comes again where it is to, and is counted once', async () => {
    const steps = [{ connect: 'app' }, { kill: 'rs1' }, { start: 'rs1' }, { wait: '2s' }];
    const servers = { count: 1, version: '4.14.0' };
    const [back, gone] = await Promise.all([
      play({ servers, clients: app({ again: '100ms' }), steps, expect: { dropped: 1, sessions: 1 } }),
      play({ servers, clients: app(), steps, expect: { dropped: 1, sessions: 0 } }),
    ]);
    expect([...failuresOf(back), ...failuresOf(gone)]).toEqual([]);
  });

  test('a client that no gate answers is lost, not refused', async () => {
    const report = await play({
      steps: [{ kill: 'gate1' }, { connect: 'app' }],
      expect: { lost: 1, refused: 0, admitted: 0 },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('a client that must not bring the upgrade does not', async () => {
    const report = await play({
      servers: TABLES,
      clients: app({ upgrade: 'must-not' }),
      steps: [{ connect: 'app' }],
      expect: { refused: { UPGRADE_REQUIRED: 1 }, upgrades: [], level: 27 },
    });
    expect(failuresOf(report)).toEqual([]);
  });
});

describe('servers', () => {
  test('a roll takes the servers that it names, in that order, a batch at a time', async () => {
    const { nodes, timeline } = await play({
      servers: { count: 4, version: '4.14.0' },
      steps: [{ roll: { to: '4.15.0', servers: ['rs4', 'rs2', 'rs1'], batch: 2, pause: '3s' } }],
    });
    expect(timeline.map(({ what }) => what).slice(1)).toEqual(['rs4, rs2 on 4.15.0', 'rs1 on 4.15.0']);
    const [first, second] = timeline.slice(1).map(({ at }) => at) as [number, number];
    expect(second - first).toBeGreaterThanOrEqual(3_000);
    const now = nodes.filter(({ to }) => to === null).map(({ id, version }) => [id, version]);
    expect(Object.fromEntries(now)).toMatchObject({
      rs1: '4.15.0',
      rs2: '4.15.0',
      rs3: '4.14.0',
      rs4: '4.15.0',
    });
  });

  test('a roll that waits for health goes on once every gate has seen the server', async () => {
    const { timeline, failures } = await play({
      gates: 2,
      timeouts: { probe: '4s' },
      steps: [{ roll: { to: '4.14.1', pause: '0s', health: '10s' } }],
    });
    expect(failures).toEqual([]);
    const [first, second] = timeline.slice(1).map(({ at }) => at) as [number, number];
    expect(second - first).toBeGreaterThan(1_000);
    expect(second - first).toBeLessThan(5_000);
  });

  test('a roll that finds a server unhealthy stops, and says which gate does not see it', async () => {
    const { failures, nodes } = await play({
      gates: 2,
      steps: [{ cut: ['gate2', 'rs1'] }, { roll: { to: '4.14.1', health: '5s' } }],
    });
    expect(failures).toEqual([
      {
        field: 'steps[1].roll.health',
        expected: 'rs1 seen up on 4.14.1 within 5 s',
        found: 'gate2 sees rs1 down on 4.14.0',
        holds: false,
      },
    ]);
    expect(nodes.find(({ id, to }) => id === 'rs2' && to === null)?.version).toBe('4.14.0');
  });

  test('a server that is back on its version, and not seen up, is unhealthy too', async () => {
    const { failures } = await play({
      steps: [{ cut: ['gate1', 'rs2'] }, { wait: '1s' }, { roll: { to: '4.14.0', health: '5s' } }],
    });
    expect(failures).toMatchObject([
      { field: 'steps[2].roll.health', found: 'gate1 sees rs2 down on 4.14.0' },
    ]);
  });

  test('[N1] a restart in order drops a session only if it does not end in time', async () => {
    const servers = { count: 1, version: '4.14.0' };
    const steps = [{ connect: 'app' }, { restart: 'rs1' }, { wait: '1s' }];
    const [short, long] = await Promise.all([
      play({ servers, clients: app({ stay: '2s' }), steps, expect: { dropped: 0 } }),
      play({ servers, clients: app(), steps, expect: { dropped: 1 } }),
    ]);
    expect([...failuresOf(short), ...failuresOf(long)]).toEqual([]);
  });

  test('[N1] a link that is cut: clients are served around it until it is healed', async () => {
    const report = await play({
      clients: app({ count: 4 }),
      steps: [
        { cut: ['gate1', 'rs1'] },
        { wait: '1s' },
        { connect: 'app' },
        { expect: { admitted: 4, dropped: 0 } },
        { kill: 'rs2' },
        { expect: { dropped: 4 } },
        { heal: ['gate1', 'rs1'] },
        { wait: '1s' },
        { connect: 'app' },
      ],
      expect: { admitted: 8, sessions: 4 },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('[N1] a server that stands still is passed over, and serves again once it goes on', async () => {
    const report = await play({
      servers: { count: 1, version: '4.14.0' },
      timeouts: { probe: '500ms', dial: '500ms' },
      steps: [
        { pause: 'rs1' },
        { connect: 'app' },
        { wait: '3s' },
        { expect: { sessions: 0 } },
        { resume: 'rs1' },
      ],
      expect: { sessions: 1, waited: 1, refused: 0 },
    });
    expect(failuresOf(report)).toEqual([]);
  });
});

describe('gates', () => {
  const clients = [
    { name: 'brief', version: '4.14.0', stay: '2s' },
    { name: 'long', version: '4.14.0' },
  ];
  const timeouts = { probe: '500ms', drain: '5s' };

  test('one that is killed drops its sessions; one that restarts lets them end in its drain time', async () => {
    const steps = [{ connect: 'brief' }, { connect: 'long' }];
    const [killed, restarted] = await Promise.all([
      play({ clients, timeouts, steps: [...steps, { kill: 'gate1' }], expect: { dropped: 2 } }),
      play({
        clients,
        timeouts,
        steps: [...steps, { restart: 'gate1' }],
        expect: { dropped: 1, sessions: 0 },
      }),
    ]);
    expect([...failuresOf(killed), ...failuresOf(restarted)]).toEqual([]);
    const states = restarted.nodes.filter(({ id }) => id === 'gate1').map(({ state }) => state);
    expect(states).toEqual(['up', 'leaving', 'down', 'up']);
    const notes = (report: typeof restarted) =>
      report.facts.records.flatMap((record) => (record.event === 'gate' ? [record.what] : []));
    expect(notes(restarted).slice(0, 4)).toEqual(['started', 'draining', 'stopped', 'started']);
    expect(notes(killed)).toEqual(['started']);
  });

  test('one that restarts refuses who waits at it, and another takes who comes meanwhile', async () => {
    const report = await play({
      gates: 2,
      servers: TABLES,
      clients: app({ count: 2 }),
      steps: [{ connect: 'app' }, { restart: 'gate1' }, { connect: 'app' }, { wait: '5s' }],
      expect: { refused: { DRAINING: 1 }, lost: 0, upgrades: [28] },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('one that stands still does not hear that it should go, and is ended all the same', async () => {
    const report = await play({
      timeouts: { probe: '500ms', drain: '1s' },
      steps: [{ pause: 'gate1' }, { restart: 'gate1' }, { wait: '1s' }, { connect: 'app' }],
      expect: { admitted: 1, lost: 0 },
    });
    expect(failuresOf(report)).toEqual([]);
  });
});

describe('clocks', () => {
  const steps = (clock: object) => [{ connect: 'app' }, { clock }, { wait: '1s' }, { connect: 'app' }];
  const TIMES = { clients: app({ stay: '1s' }), servers: { count: 1, version: '4.14.0' } };
  const timesOf = ({ facts }: Awaited<ReturnType<typeof play>>) =>
    facts.records.flatMap(({ event, time }) => (event === 'handshake' ? [Date.parse(time)] : []));

  test.each([
    [{ of: 'gate1', ahead: '2h' }, 7_200],
    [{ of: 'gate1', behind: '2h' }, -7_200],
    [{ of: 'rs1', ahead: '2h' }, 0],
  ])(
    '%j: what the gate writes is off by that much from then on, and clients are served',
    async (clock, off) => {
      const report = await play({ ...TIMES, steps: steps(clock), expect: { admitted: 2, lost: 0 } });
      expect(failuresOf(report)).toEqual([]);
      const [first = 0, second = 0] = timesOf(report);
      expect(Math.round((second - first) / 60_000)).toBe(off / 60);
    },
  );

  test.each([{ of: 'gate1' }, { of: 'gate1', ahead: '1s', behind: '1s' }])(
    '%j: neither or both is refused',
    (clock) => {
      expect(() => scenarioOf({ ...TIMES, steps: steps(clock) })).toThrow('needs either ahead or behind');
    },
  );
});

describe('a step that finds nothing to act on', () => {
  test('is skipped, and says so; what stands in the report is how things are', async () => {
    const { timeline, nodes, failures } = await play({
      steps: [
        { kill: 'rs1' },
        { kill: 'rs1' },
        { pause: 'rs1' },
        { resume: 'rs1' },
        { resume: 'gate1' },
        { start: 'gate1' },
        { pause: 'rs2' },
        { start: 'rs2' },
        { heal: ['gate1', 'rs2'] },
        { cut: ['gate1', 'rs2'] },
        { cut: ['rs2', 'gate1'] },
        { expect: { matrix: { '4.14': 'hold' } } },
      ],
    });
    expect(timeline.flatMap(({ what, skipped }) => (skipped ? [what] : []))).toEqual([
      'kill rs1: skipped, it is dead',
      'pause rs1: skipped, it is dead',
      'resume rs1: skipped, it is dead',
      'resume gate1: skipped, it runs',
      'start gate1: skipped, it runs',
      'start rs2: skipped, it stands still',
      'heal the link between gate1 and rs2: skipped, they are not cut',
      'cut the link between rs2 and gate1: skipped, they are cut',
    ]);
    expect(failures).toEqual([]);
    const now = nodes.filter(({ to }) => to === null).map(({ id, state }) => [id, state]);
    expect(Object.fromEntries(now)).toEqual({ rs1: 'down', rs2: 'paused', gate1: 'up' });
  });
});

test('a step that can not be done fails the scenario, and none after it is done', async () => {
  const { failures, timeline, facts } = await play({
    steps: [{ run: { command: ['sh', '-c', 'echo no such table; exit 3'] } }, { connect: 'app' }],
    expect: { admitted: 0 },
  });
  expect(failures).toEqual([
    {
      field: 'steps[0]',
      expected: 'it can be done',
      found: expect.stringMatching(/^sh -c .* ended with status 3, not status 0: no such table$/),
      holds: false,
    },
  ]);
  expect(timeline).toHaveLength(1);
  expect(facts.records.filter(({ event }) => event === 'handshake')).toEqual([]);
});

describe('until', () => {
  const steps = (within: string) => [{ arrive: 'app' }, { until: { sessions: 2, within } }];
  const clients = app({ count: 2, over: '4s' });

  test('goes on as soon as what is expected holds, long before its deadline', async () => {
    const report = await play({ clients, steps: [...steps('1h'), { expect: { sessions: 2 } }] });
    expect(failuresOf(report)).toEqual([]);
    const [, , check] = report.timeline;
    expect(check?.at).toBeGreaterThanOrEqual(2_000);
    expect(check?.at).toBeLessThan(2_500);
  });

  test('what does not hold in time is a failed expectation, and the next step comes all the same', async () => {
    const report = await play({ clients, steps: [...steps('1s'), { wait: '5s' }], expect: { sessions: 2 } });
    expect(failuresOf(report)).toEqual(['steps[1].until.sessions: 2, 1']);
    expect(report.timeline[2]?.at).toBeGreaterThanOrEqual(1_200);
    expect(report.timeline[2]?.at).toBeLessThan(1_300);
  });

  test('all that is expected has to hold at the same moment', async () => {
    const wanted = { sessions: 2, dropped: 1, within: '5s' };
    const report = await play({ clients, steps: [{ connect: 'app' }, { until: wanted }] });
    expect(failuresOf(report)).toEqual(['steps[1].until.dropped: 1, 0']);
  });
});
