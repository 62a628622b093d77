/** Servers that are never asked: a connection is made to them for a session, and for nothing else. */
import { expect, test } from 'vitest';
import { createQuietBackEnd } from '../../src/backend/plain.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import type { ServerEvent } from '../../src/events/events.ts';
import type { Connection } from '../../src/ports/transport.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { parseVersion } from '../../src/version/version.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';

const PROBE = 5_000;

async function start() {
  const clock = new VirtualClock();
  const network = createMemoryNetwork(clock, 1);
  const connections: Connection[] = [];
  const accept = {
    accept(connection: Connection) {
      connections.push(connection);
      connection.handle({ data() {}, end() {}, drain() {}, close() {} });
    },
  };
  const listening = { now: await network.listen('server:1', accept) };
  const events: ServerEvent[] = [];
  const cluster = new Cluster({
    servers: [{ id: 's1', address: 'tcp://server:1', backEnd: createQuietBackEnd(parseVersion('4.14.0')) }],
    transports: { tcp: network },
    clock,
    settings: { times: { dial: 3_000, probe: PROBE } },
    events: { emit: (event) => event.event === 'server' && events.push(event) },
  });
  await clock.until(cluster.start());
  const state = () => cluster.servers[0]?.state;
  const dial = () =>
    clock.until(
      cluster.reach('s1', 'session').then(
        ({ link }) => link.connection.destroy(),
        () => {},
      ),
    );
  /** ms until it counts as up again. */
  const downFor = async () => {
    const from = clock.monotonic();
    while (state() === 'down') await clock.run(100);
    return clock.monotonic() - from;
  };
  return {
    clock,
    cluster,
    connections,
    events,
    state,
    dial,
    downFor,
    goDown: () => clock.until(listening.now.close()),
    async comeBack() {
      listening.now = await network.listen('server:1', accept);
    },
  };
}

test('nothing is connected to it in an hour without clients, and it is up with the version that the config states', async () => {
  const { clock, cluster, connections, events } = await start();
  await clock.run(3_600_000);
  await clock.until(cluster.refresh(0));
  expect(connections).toHaveLength(0);
  expect(cluster.servers).toMatchObject([{ state: 'up', version: parseVersion('4.14.0'), lastError: null }]);
  expect(cluster.isStale(2 * PROBE)).toBe(false);
  expect(events.map(({ state, first }) => [state, first])).toEqual([['up', true]]);
});

test('once a client could not be connected to it, it is left alone for longer each time, and for half a minute at most', async () => {
  const { state, dial, downFor, goDown, comeBack } = await start();
  await goDown();
  const waits: number[] = [];
  for (let turn = 0; turn < 7; turn++) {
    await dial();
    expect(state()).toBe('down');
    waits.push(await downFor());
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  // It came back: what was counted is forgotten.
  await comeBack();
  await dial();
  expect(state()).toBe('up');
  await goDown();
  await dial();
  expect(await downFor()).toBe(1_000);
});

test('clients that fail together count as one', async () => {
  const { dial, downFor, goDown } = await start();
  await goDown();
  await Promise.all([dial(), dial(), dial(), dial()]);
  await downFor();
  await dial();
  expect(await downFor()).toBe(2_000);
});

test('a dial that takes its time and fails counts, also where the interval of probes passed meanwhile', async () => {
  const { clock, cluster, state, goDown } = await start();
  await clock.run(PROBE - 1);
  await goDown();
  // Refused one latency later: after the round that was due in between.
  const failed = cluster.reach('s1', 'session').catch(() => {});
  await clock.run(10);
  await failed;
  expect(state()).toBe('down');
});

test('a client that is about to be refused has it tried again, however long it is to be left alone', async () => {
  const world = virtualEnvironment();
  const { clock, transports } = world;
  await using fleet = await startFleet(world, {
    others: [{ id: 'db', address: 'tcp://db:5432', version: '4.14.0', probe: 'none' }],
    timeouts: { hold: '5s' },
  });
  const attempt = () => world.finish(fleet.connect('4.14.0'));
  // Nobody listens there: it is left alone for half a minute by the end of this.
  for (let turn = 0; turn < 8; turn++)
    await expect(attempt()).rejects.toMatchObject({ name: 'RefusedError' });
  let served = 0;
  await transports.tcp?.listen('db:5432', {
    accept(connection: Connection) {
      served++;
      connection.handle({ data() {}, end() {}, drain() {}, close() {} });
    },
  });
  const from = clock.monotonic();
  (await attempt()).destroy();
  expect(served).toBe(1);
  expect(clock.monotonic() - from).toBeLessThan(2_000);
  expect(fleet.log.handshakes.at(-1)?.code).toBe('PERMITTED');
});
