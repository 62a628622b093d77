/** Answers that come late, or in another order than their questions. */
import { expect, test } from 'vitest';
import { createPlainBackEnd } from '../../src/backend/plain.ts';
import { createSkewgateBackEnd } from '../../src/backend/skewgate.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import type { ServerEvent } from '../../src/events/events.ts';
import { ServerHandshake } from '../../src/handshake/server.ts';
import type { ProtocolRange } from '../../src/policy/types.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { parseVersion, printVersion, type Version } from '../../src/version/version.ts';

interface Said {
  readonly version: string;
  readonly draining?: boolean;
  readonly protocol?: ProtocolRange;
}

/** A server that answers each question when the test says so, in any order. */
async function start(protocol?: ProtocolRange) {
  const clock = new VirtualClock();
  const network = createMemoryNetwork(clock, 1);
  const questions: ((said: Said | null) => void)[] = [];
  await network.listen('server:1', {
    accept: (connection) => {
      const handshake = new ServerHandshake();
      connection.handle({
        data(bytes) {
          for (const { kind } of handshake.receive(bytes))
            if (kind === 'identify')
              questions.push((said) => {
                if (said === null) connection.destroy();
                else connection.send(handshake.hello({ id: 'x', ...said }));
              });
        },
        end() {},
        drain() {},
        close() {},
      });
    },
  });
  const changes: ServerEvent[] = [];
  const cluster = new Cluster({
    servers: [
      {
        id: 's1',
        address: 'tcp://server:1',
        backEnd: createSkewgateBackEnd('test'),
        ...(protocol && { protocol }),
      },
    ],
    transports: { tcp: network },
    clock,
    settings: { times: { dial: 3_000, probe: 5_000 } },
    events: { emit: (event) => event.event === 'server' && changes.push(event) },
  });
  /** Asks; the question is with the server when it returns. */
  const ask = async () => {
    const outcome = cluster.reach('s1', 'session').then(
      () => 'reached',
      (error: Error) => error.message,
    );
    await clock.run(10);
    return { outcome };
  };
  const known = () => {
    const { state, version, lastError } = cluster.servers[0] as (typeof cluster.servers)[number];
    return [state, version && printVersion(version), lastError];
  };
  return { clock, cluster, questions, changes, ask, known };
}

async function inTurn(settle: 'older first' | 'newer first', older: Said | null, newer: Said | null) {
  const world = await start();
  const [first, second] = [await world.ask(), await world.ask()];
  const answers = [() => world.questions[0]?.(older), () => world.questions[1]?.(newer)];
  for (const answer of settle === 'older first' ? answers : answers.reverse()) {
    answer();
    await world.clock.run(10);
  }
  return { ...world, first: await first.outcome, second: await second.outcome };
}

test.each([
  ['an older release', { version: '4.14.0' }],
  ['that it leaves', { version: '4.15.0', draining: true }],
  ['nothing any more', null],
] as const)('a late answer to an older question (%s) does not undo what is known since', async (_, older) => {
  const { known, changes, second } = await inTurn('newer first', older, { version: '4.15.0' });
  expect(second).toBe('reached');
  expect(known()).toEqual(['up', '4.15.0', null]);
  expect(changes.map(({ version, state }) => [state, version])).toEqual([['up', '4.15.0']]);
});

test('nobody is served by a connection whose server said another release than it is known to have since', async () => {
  const { first } = await inTurn('newer first', { version: '4.14.0' }, { version: '4.15.0' });
  expect(first).toContain('s1 (tcp://server:1): it said 4.14.0, and 4.15.0 when it was asked later');
});

test('in the order of the questions each answer counts', async () => {
  const { known, changes, first, second } = await inTurn(
    'older first',
    { version: '4.14.0' },
    { version: '4.15.0', draining: true },
  );
  expect([first, second]).toEqual(['reached', 'reached']);
  expect(known()).toEqual(['draining', '4.15.0', null]);
  expect(changes).toHaveLength(2);
});

test.each([
  ['none', undefined],
  ['that of the config', { min: 7, max: 7 }],
] as const)('a server that states no protocol range any more has %s', async (_, stated) => {
  const { cluster, questions, ask, clock } = await start(stated);
  await ask();
  questions[0]?.({ version: '4.14.0', protocol: { min: 1, max: 3 } });
  await clock.run(10);
  expect(cluster.servers[0]?.protocol).toEqual({ min: 1, max: 3 });
  await ask();
  questions[1]?.({ version: '4.14.0' });
  await clock.run(10);
  expect(cluster.servers[0]?.protocol).toEqual(stated);
});

test('what policy judges by is the same list until an answer says something new, also where nobody is told of it', async () => {
  const { cluster, questions, ask, clock, changes } = await start();
  const answer = async (said: Said & { readonly level?: number }) => {
    await ask();
    questions.pop()?.(said);
    await clock.run(10);
    return cluster.facts;
  };
  const first = await answer({ version: '4.14.0', level: 28 });
  expect(first).toEqual([
    { id: 's1', version: parseVersion('4.14.0'), state: 'up', level: 28, lastError: null },
  ]);
  expect(await answer({ version: '4.14.0', level: 28 })).toBe(first);
  cluster.sessionStarted('s1');
  expect(cluster.facts).toBe(first);
  const second = await answer({ version: '4.14.0', level: 29 });
  expect(second.map(({ level }) => level)).toEqual([29]);
  expect(first.map(({ level }) => level)).toEqual([28]);
  expect(changes).toHaveLength(1);
});

test('the release that a program tells counts, however many sessions begin while it runs', async () => {
  const clock = new VirtualClock();
  const network = createMemoryNetwork(clock, 1);
  await network.listen('server:1', {
    accept: (connection) => connection.handle({ data() {}, end() {}, drain() {}, close() {} }),
  });
  const programs: ((version: Version) => void)[] = [];
  const probeVersion = () => new Promise<Version>((resolve) => programs.push(resolve));
  const cluster = new Cluster({
    servers: [{ id: 's1', address: 'tcp://server:1', backEnd: createPlainBackEnd(probeVersion) }],
    transports: { tcp: network },
    clock,
    settings: { times: { dial: 3_000, probe: 5_000 } },
    events: { emit() {} },
  });
  const known = () => cluster.servers[0]?.version && printVersion(cluster.servers[0].version);
  const probe = async (version: string) => {
    const probed = cluster.reach('s1', 'probe');
    await clock.run(10);
    const session = known() === null ? null : cluster.reach('s1', 'session');
    await clock.run(10);
    programs.pop()?.(parseVersion(version));
    await clock.run(10);
    await Promise.all([probed, session]);
  };
  await probe('4.14.0');
  expect(known()).toBe('4.14.0');
  await probe('4.15.0');
  expect(known()).toBe('4.15.0');
  // Sessions alone tell nothing of the release: what is known of it grows old.
  await clock.run(20_000);
  const session = cluster.reach('s1', 'session');
  await clock.run(10);
  await session;
  expect(cluster.isStale(20_000)).toBe(true);
});
