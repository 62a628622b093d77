/** Which server a session gets, and how the gate keeps up with servers that change, leave and come back. */
import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Session } from '../../src/client/session.ts';
import { realEnvironment, virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import { Recorder } from '../support/recorder.ts';

const NEVER = { probe: '1h' };

async function ping(session: Session): Promise<string> {
  session.write('ping');
  const [bytes] = (await once(session, 'data')) as [Buffer];
  return bytes.toString();
}

describe('choosing a server', () => {
  test('sessions spread evenly, whether they come at once or one by one', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }, { version: '4.14.1' }, { version: '4.14.2' }],
    });
    const counts = () => fleet.cluster.servers.map(({ sessions }) => sessions);
    const atOnce = await Promise.all(Array.from({ length: 30 }, () => fleet.admit('4.14.0')));
    for (const count of counts()) expect(Math.abs(count - 10)).toBeLessThan(5);
    const oneByOne: Session[] = [];
    for (let count = 0; count < 18; count++) oneByOne.push(await fleet.admit('4.13.0'));
    expect(counts()).toEqual([16, 16, 16]);
    for (const session of [...atOnce, ...oneByOne]) session.destroy();
    await fleet.idle();
    expect(counts()).toEqual([0, 0, 0]);
  });

  test('sessions that follow each other go round, too', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }, { version: '4.14.0' }, { version: '4.14.0' }],
    });
    for (let count = 1; count <= 6; count++) {
      (await fleet.admit('4.14.0')).destroy();
      await fleet.log.until('session-end', {}, count);
    }
    expect(fleet.servers.map(({ clients }) => clients.length)).toEqual([2, 2, 2]);
  });

  test('the server with the fewest sessions comes next', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }, { version: '4.14.0' }],
    });
    const sessions = await Promise.all(Array.from({ length: 6 }, () => fleet.admit('4.14.0')));
    const leaving = sessions.filter(({ server }) => server.id === 's1');
    for (const session of leaving) session.destroy();
    await fleet.log.until('session-end', {}, leaving.length);
    const next = await Promise.all(leaving.map(() => fleet.admit('4.14.0')));
    expect(next.map(({ server }) => server.id)).toEqual(['s1', 's1', 's1']);
    for (const session of [...sessions, ...next]) session.destroy();
  });

  test('a server that cannot be reached is passed over: the client notices nothing', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }, { version: '4.14.0' }],
      timeouts: NEVER,
    });
    await fleet.server(0).stop();
    const sessions = await Promise.all(Array.from({ length: 4 }, () => fleet.admit('4.14.0')));
    expect(sessions.map(({ server }) => server.id)).toEqual(['s2', 's2', 's2', 's2']);
    expect(fleet.cluster.servers.map(({ state }) => state)).toEqual(['down', 'up']);
    expect(fleet.log.codes).toEqual(['PERMITTED', 'PERMITTED', 'PERMITTED', 'PERMITTED']);
    for (const session of sessions) session.destroy();
  });

  test('a server that accepts and says nothing is passed over after the dial timeout', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }, { version: '4.14.0' }],
      timeouts: { dial: '3s', probe: '1h' },
    });
    await fleet.server(0).stop();
    const heard: number[] = [];
    await world.transports.tcp?.listen(fleet.server(0).address.replace('tcp://', ''), {
      accept: (connection) => {
        const mute = new Recorder(connection);
        mute.onData = (bytes) => heard.push(bytes.length);
      },
    });
    const sessions = [await fleet.admit('4.14.0'), await fleet.admit('4.14.0')];
    expect(sessions.map(({ server }) => server.id)).toEqual(['s2', 's2']);
    expect(heard).toHaveLength(1);
    expect(fleet.cluster.servers[0]).toMatchObject({
      state: 'down',
      lastError: 'the server did not answer in time',
    });
    expect(Math.max(...fleet.log.handshakes.map(({ phases }) => phases.dialMs))).toBeGreaterThan(2_990);
    for (const session of sessions) session.destroy();
  });
});

describe('servers that change', () => {
  test('a server restarted with another version is noticed by a probe, without a change of config', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }],
      timeouts: { probe: '20ms' },
    });
    await fleet.server(0).restart({ version: '4.16.0' });
    await fleet.log.until('server', { version: '4.16.0', state: 'up' });
    const session = await fleet.admit('4.16.0');
    expect(session.server.version).toBe('4.16.0');
    expect((await fleet.refuse('4.13.0')).code).toBe('CLIENT_OUTDATED');
    session.destroy();
  });

  test('[M1] a client newer than what was known is admitted at once if the server was upgraded meanwhile', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }],
      timeouts: { ...NEVER, fresh: '0ms' },
    });
    expect((await fleet.refuse('4.15.0')).code).toBe('SERVER_OUTDATED');
    await fleet.server(0).restart({ version: '4.15.0' });
    const session = await fleet.admit('4.15.0');
    expect(session.server.version).toBe('4.15.0');
    session.destroy();
  });

  test('[M2] a client is judged by the version that the server itself just said, not by what was known', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }],
      timeouts: { ...NEVER, fresh: '0ms' },
    });
    await fleet.server(0).restart({ version: '4.17.0' });
    expect((await fleet.refuse('4.14.0')).code).toBe('CLIENT_OUTDATED');
    expect(fleet.server(0).clients).toEqual([]);
    expect(fleet.log.handshakes[0]?.observed.newest).toBe('4.17.0');
  });

  test('[M1] a server that is down counts with its last version; one that was never seen blocks newer clients', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }, { version: '4.15.0' }],
      others: [{ id: 'never', address: 'tcp://127.0.0.1:1' }],
      timeouts: { ...NEVER, fresh: '0ms' },
    });
    await fleet.server(0).stop();
    const refused = await fleet.refuse('4.15.0');
    expect(refused.code).toBe('SERVER_OUTDATED');
    expect(refused.move?.who).toEqual(['s1']);
    const session = await fleet.admit('4.14.0');
    expect(session.server.id).toBe('s2');
    session.destroy();
  });
});

describe('[N1] rolling restarts', () => {
  test('a server that announces it leaves gets no new sessions; those it has go on', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }, { version: '4.14.0' }],
      timeouts: { probe: '20ms' },
    });
    const before = await Promise.all([fleet.admit('4.14.0'), fleet.admit('4.14.0')]);
    fleet.server(0).running.leave();
    await fleet.log.until('server', { server: 's1', state: 'draining' });
    const after = await Promise.all(Array.from({ length: 4 }, () => fleet.admit('4.14.0')));
    expect(after.map(({ server }) => server.id)).toEqual(['s2', 's2', 's2', 's2']);
    for (const session of before) expect(await ping(session)).toBe('ping');
    for (const session of [...before, ...after]) session.destroy();
  });

  test('leaving is noticed in the handshake itself, before any probe', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }, { version: '4.14.0' }],
      timeouts: NEVER,
    });
    fleet.server(0).running.leave();
    const sessions = await Promise.all(Array.from({ length: 4 }, () => fleet.admit('4.14.0')));
    expect(sessions.map(({ server }) => server.id)).toEqual(['s2', 's2', 's2', 's2']);
    expect(fleet.server(0).clients).toEqual([]);
    for (const session of sessions) session.destroy();
  });

  test('one server after the other is restarted on the next patch: no client fails', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }, { version: '4.14.0' }, { version: '4.14.0' }],
      timeouts: { probe: '20ms', fresh: '0ms' },
    });
    const versions = new Set<string | null>();
    for (const server of fleet.servers) {
      server.running.leave();
      const during = await Promise.all(Array.from({ length: 5 }, () => fleet.admit('4.13.0')));
      await server.restart({ version: '4.14.3' });
      const after = await Promise.all(Array.from({ length: 5 }, () => fleet.admit('4.13.0')));
      for (const session of [...during, ...after]) {
        versions.add(session.server.version);
        session.on('error', () => {});
        session.destroy();
      }
    }
    expect(new Set(fleet.log.codes)).toEqual(new Set(['PERMITTED']));
    expect(versions).toEqual(new Set(['4.14.0', '4.14.3']));
  });
});

test('nothing of a client reaches a server that is only probed', async () => {
  const heard: Buffer[] = [];
  const mute = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard.push(bytes);
      socket.end();
    });
  });
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  onTestFinished(() => void mute.close());
  const { port } = mute.address() as net.AddressInfo;
  await using fleet = await startFleet(realEnvironment, {
    servers: [{ version: '4.14.0' }],
    others: [{ id: 'mute', address: `tcp://127.0.0.1:${port}` }],
  });
  const session = await fleet.admit('4.14.0', { query: 'secret=swordfish' });
  expect(await ping(session)).toBe('ping');
  expect(heard.length).toBeGreaterThan(0);
  expect(Buffer.concat(heard).toString()).not.toContain('swordfish');
  session.destroy();
});
