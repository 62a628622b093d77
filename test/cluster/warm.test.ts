/** Connections that were greeted ahead of need: what they spare a client, and when they must not be used. */
import { expect, onTestFinished, test } from 'vitest';
import { createSkewgateBackEnd } from '../../src/backend/skewgate.ts';
import { Cluster, type Reached } from '../../src/cluster/cluster.ts';
import { ServerHandshake } from '../../src/handshake/server.ts';
import type { Connection, Listener } from '../../src/ports/transport.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { printVersion } from '../../src/version/version.ts';

const WARM = 3;
/** Both ways through the network, and some more. */
const SOON = 20;

interface Peer {
  readonly connection: Connection;
  opened: boolean;
  closed: boolean;
}

/** A server that can be restarted, and a cluster that keeps warm links to it. */
async function setUp({ greets = true } = {}) {
  const clock = new VirtualClock();
  const network = createMemoryNetwork(clock, 1);
  const peers: Peer[] = [];
  const said = { version: '4.14.0', draining: false };
  const accept = (connection: Connection) => {
    const handshake = new ServerHandshake();
    const peer = { connection, opened: false, closed: false };
    peers.push(peer);
    connection.handle({
      data(bytes) {
        if (peer.opened) return;
        for (const event of handshake.receive(bytes)) {
          if (event.kind === 'open') peer.opened = true;
          if (event.kind !== 'identify') continue;
          if (event.identify.purpose === 'session' && !greets) connection.destroy();
          else connection.send(handshake.hello({ id: 'x', ...said }));
        }
      },
      end: () => connection.end(),
      drain() {},
      close() {
        peer.closed = true;
      },
    });
  };
  let listener: Listener = await network.listen('server:1', { accept });
  const server = {
    id: 's1',
    address: 'tcp://server:1',
    backEnd: createSkewgateBackEnd('test'),
    warm: WARM,
  };
  const cluster = new Cluster({
    servers: [server],
    transports: { tcp: network },
    clock,
    settings: { times: { dial: 3_000, probe: 60_000 } },
    events: { emit() {} },
  });
  onTestFinished(() => cluster.stop());
  const known = cluster.refresh(0);
  await clock.until(known);
  await clock.run(SOON);
  const open = () => peers.filter(({ closed }) => !closed).length;
  /** Reaches the server for a session; `ms` of time may pass. */
  const reach = async (ms: number): Promise<Reached | null> => {
    let reached: Reached | null = null;
    void cluster.reach('s1', 'session').then(
      (found) => {
        reached = found;
      },
      () => {},
    );
    await clock.run(ms);
    return reached;
  };
  const kill = async () => {
    await listener.close();
    for (const { connection } of peers) connection.destroy();
  };
  const restart = async (version: string) => {
    await kill();
    said.version = version;
    listener = await network.listen('server:1', { accept });
  };
  return { clock, cluster, peers, said, open, reach, kill, restart };
}

type World = Awaited<ReturnType<typeof setUp>>;

/** Opens a session on what was reached. Returns the server's end of it. */
async function openOn({ clock, peers }: World, reached: Reached | null): Promise<Peer> {
  const before = peers.filter(({ opened }) => opened);
  const client = { version: '4.14.0', driver: '', properties: {} };
  reached?.link.openSession({ session: 's', peer: 'p', client });
  await clock.run(SOON);
  const [opened, ...more] = peers.filter((peer) => peer.opened && !before.includes(peer));
  expect(more).toEqual([]);
  return opened as Peer;
}

test('a session is given a connection that was greeted before, at once, and the next one is greeted', async () => {
  const world = await setUp();
  expect(world.open()).toBe(WARM);
  const dialled = world.peers.length;
  const reached = await world.reach(0);
  expect(reached).not.toBeNull();
  const peer = await openOn(world, reached);
  expect(world.peers.indexOf(peer)).toBeLessThan(dialled);
  expect(world.open()).toBe(WARM + 1);
  expect(world.peers).toHaveLength(dialled + 1);
});

test('when more come than are kept, the others are dialled as ever', async () => {
  const world = await setUp();
  const all = Array.from({ length: WARM + 2 }, () => world.reach(0));
  const now = await Promise.all(all);
  expect(now.filter((reached) => reached !== null)).toHaveLength(WARM);
  await world.clock.run(SOON);
  expect(world.open()).toBe(2 * WARM + 2);
});

test('probes and upgrades ask anew', async () => {
  const { cluster, clock, peers } = await setUp();
  for (const purpose of ['probe', 'upgrade'] as const) {
    const dialled = peers.length;
    const reaching = cluster.reach('s1', purpose);
    await clock.until(reaching);
    expect(peers).toHaveLength(dialled + 1);
  }
});

test('after a restart to another release nobody is served by what the old process said', async () => {
  const world = await setUp();
  const old = [...world.peers];
  await world.restart('4.15.0');
  // That the old process is gone takes its way through the network, as does everything.
  await world.clock.run(SOON);
  const reached = await world.reach(SOON);
  expect(reached?.server.version && printVersion(reached.server.version)).toBe('4.15.0');
  expect(reached?.link.identity?.version && printVersion(reached.link.identity.version)).toBe('4.15.0');
  expect(old).not.toContain(await openOn(world, reached));
  const next = await world.reach(0);
  expect(next?.link.identity?.version && printVersion(next.link.identity.version)).toBe('4.15.0');
});

test('when another release is observed, links that are still open to the old one are closed, not used', async () => {
  const world = await setUp();
  const old = [...world.peers];
  world.said.version = '4.15.0';
  await world.clock.until(world.cluster.refresh(0));
  await world.clock.run(SOON);
  expect(old.filter(({ closed }) => !closed)).toEqual([]);
  expect(world.open()).toBe(WARM);
  const reached = await world.reach(0);
  expect(reached?.link.identity?.version && printVersion(reached.link.identity.version)).toBe('4.15.0');
});

const STRAY: [string, (peer: Peer) => void][] = [
  ['closed by the server', ({ connection }) => connection.close()],
  ['half-closed by the server', ({ connection }) => connection.end()],
  ['reset', ({ connection }) => connection.destroy()],
  ['sent something that nobody asked for', ({ connection }) => void connection.send(Buffer.from('x'))],
];

test.each(STRAY)('a link that was %s while it waited is not used', async (_what, act) => {
  const world = await setUp();
  const waiting = world.peers.filter(({ closed }) => !closed);
  for (const peer of waiting) act(peer);
  await world.clock.run(SOON);
  const reached = await world.reach(SOON);
  expect(waiting).not.toContain(await openOn(world, reached));
  await world.clock.run(SOON);
  expect(waiting.filter(({ closed }) => !closed)).toEqual([]);
  expect(world.open()).toBe(WARM + 1);
});

test('a link that waited for five seconds is closed, and another greeted: never more than are kept', async () => {
  const world = await setUp();
  const first = world.peers.filter(({ closed }) => !closed);
  for (let second = 0; second < 30; second++) {
    await world.clock.run(1_000);
    expect(world.open()).toBeLessThanOrEqual(WARM);
  }
  expect(first.filter(({ closed }) => !closed)).toEqual([]);
  expect(world.open()).toBe(WARM);
  expect(world.peers.length).toBeLessThanOrEqual((30 / 5 + 1) * WARM + 1);
});

test('none is kept for a server that leaves or is down, and none dialled until it is up again', async () => {
  const world = await setUp();
  world.said.draining = true;
  await world.clock.until(world.cluster.refresh(0));
  await world.clock.run(SOON);
  expect(world.open()).toBe(0);
  const dialled = world.peers.length;
  await world.clock.run(10_000);
  expect(world.peers).toHaveLength(dialled);
  await world.kill();
  await world.clock.until(world.cluster.refresh(0));
  await world.clock.run(10_000);
  expect(world.peers).toHaveLength(dialled);
  world.said.draining = false;
  await world.restart('4.14.0');
  await world.clock.until(world.cluster.refresh(0));
  await world.clock.run(SOON);
  expect(world.open()).toBe(WARM);
});

test('a server that answers probes and no sessions is tried ever more rarely', async () => {
  const world = await setUp({ greets: false });
  const tries = async (ms: number) => {
    const before = world.peers.length;
    for (let at = 0; at < ms; at += 1_000) {
      await world.clock.until(world.cluster.refresh(0));
      await world.clock.run(1_000);
    }
    return world.peers.length - before - ms / 1_000;
  };
  await tries(30_000);
  expect(await tries(30_000)).toBeLessThanOrEqual(4 * WARM);
  expect(world.open()).toBe(0);
});

test('a cluster that stops keeps nothing open, and no timer', async () => {
  const world = await setUp();
  world.cluster.stop();
  await world.clock.run(SOON);
  expect(world.open()).toBe(0);
  expect(world.clock.pending).toBe(0);
});
