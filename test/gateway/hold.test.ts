/** [N1] Clients that wait: for a server, to a deadline, on virtual time. */
import { describe, expect, test } from 'vitest';
import type { ConnectOptions } from '../../src/client/connect.ts';
import { createMemoryTables } from '../../src/server/tables.ts';
import { type VirtualEnvironment, virtualEnvironment } from '../support/environment.ts';
import { type Fleet, type FleetOptions, startFleet } from '../support/gate.ts';
import { answersIn, dialRaw, helloBytes } from '../support/raw-client.ts';

type Wait = Parameters<NonNullable<ConnectOptions['onWait']>>[0];

const TIMEOUTS = { hold: '30s', probe: '5s', fresh: '1s', dial: '3s', handshake: '10s' };

async function start(options: FleetOptions = {}): Promise<{ world: VirtualEnvironment; fleet: Fleet }> {
  const world = virtualEnvironment();
  const fleet = await startFleet(world, {
    servers: [{ version: '4.14.0' }],
    timeouts: TIMEOUTS,
    ...options,
  });
  return { world, fleet };
}

function hurried(fleet: Fleet, version: string) {
  const waits: Wait[] = [];
  const state: { outcome: string } = { outcome: 'open' };
  const done = fleet.connect(version, { onWait: (wait) => waits.push(wait) }).then(
    (session) => {
      state.outcome = `admitted by ${session.server.id} after ${session.waitedMs}`;
      session.destroy();
    },
    ({ code }) => {
      state.outcome = code;
    },
  );
  return { waits, state, done };
}

describe('[N1] a client waits for a server', () => {
  test('all servers are down: it is told so from time to time, and admitted when one is back', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    await fleet.server(0).stop();
    const client = hurried(fleet, '4.14.0');
    await world.clock.run(10_000);
    expect(client.state.outcome).toBe('open');
    expect(client.waits.length).toBeGreaterThanOrEqual(8);
    expect(client.waits[0]).toMatchObject({
      code: expect.stringMatching(/^(NO_SERVER|SERVER_UNREACHABLE)$/),
      progress: null,
    });
    const left = client.waits.map(({ deadlineMs }) => deadlineMs);
    expect(left[0]).toBeGreaterThan(29_000);
    expect(left[0]).toBeLessThanOrEqual(30_000);
    expect(left).toEqual([...left].sort((a, b) => b - a));
    expect(fleet.gate.status()).toMatchObject({ handshakes: 1, heldFor: { upgrade: 0, server: 1 } });
    await fleet.server(0).restart();
    await world.clock.run(2_000);
    expect(fleet.gate.status().heldFor).toEqual({ upgrade: 0, server: 0, operator: 0 });
    expect(client.state.outcome).toMatch(/^admitted by s1 after 1[01]\d{3}$/);
    expect(fleet.log.handshakes).toHaveLength(1);
    expect(fleet.log.handshakes[0]).toMatchObject({
      verdict: 'permit',
      waitedFor: client.waits[0]?.code,
      server: 's1',
    });
    expect(fleet.log.handshakes[0]?.phases.heldMs).toBeGreaterThan(10_000);
  });

  test('what changed during a look is looked at again at once, not at the next news', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    await fleet.server(0).stop();
    const client = hurried(fleet, '4.14.0');
    await world.clock.run(100);
    expect(client.waits.map(({ code }) => code)).toEqual(['SERVER_UNREACHABLE', 'NO_SERVER']);
  });

  test('it waits no longer than its deadline, and is then refused, told to come later', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    await fleet.server(0).stop();
    const client = hurried(fleet, '4.14.0');
    await world.clock.run(29_000);
    expect(client.state.outcome).toBe('open');
    await world.clock.run(5_000);
    expect(client.state.outcome).toMatch(/^(NO_SERVER|SERVER_UNREACHABLE)$/);
    expect(fleet.log.handshakes).toHaveLength(1);
    expect(fleet.log.handshakes[0]).toMatchObject({ verdict: 'refuse', retry: 'later', rule: 'N1' });
    expect(fleet.log.handshakes[0]?.message).toMatch(/after a wait of 30/);
    expect(fleet.gate.status().handshakes).toBe(0);
  });

  test('who waited long for an upgrade is not refused at once when no server is there then', async () => {
    const server = { version: '4.14.0', tables: createMemoryTables(27), upgradeMs: 35_000 };
    const { world, fleet } = await start({
      servers: [server, server],
      migration: { ledger: 'memory:', hold: { deadline: '60s', ramp: 1 } },
    });
    await using _ = fleet;
    const clients = Array.from({ length: 4 }, () => hurried(fleet, '4.14.0'));
    const outcomes = () => clients.map(({ state }) => state.outcome.replace(/ .*/, ''));
    await world.clock.run(36_200);
    expect(outcomes()).toEqual(['admitted', 'admitted', 'open', 'open']);
    for (const { running } of fleet.servers) await world.finish(running.close());
    await world.clock.run(3_000);
    expect(outcomes().slice(2)).toEqual(['open', 'open']);
    await fleet.server(0).restart();
    await world.clock.run(10_000);
    expect(outcomes()).toEqual(Array(4).fill('admitted'));
  });

  test('a server that leaves counts as none: the client waits for its successor', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    fleet.server(0).running.leave();
    const client = hurried(fleet, '4.13.0');
    await world.clock.run(4_000);
    expect(client.state.outcome).toBe('open');
    expect(client.waits[0]?.code).toMatch(/^(NO_SERVER|SERVER_UNREACHABLE)$/);
    expect(fleet.server(0).clients).toEqual([]);
    await fleet.server(0).restart({ version: '4.14.1' });
    await world.clock.run(2_000);
    expect(client.state.outcome).toMatch(/^admitted by s1/);
  });

  test('it is not held for a server that would refuse it: the successor is judged anew', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    await fleet.server(0).stop();
    const client = hurried(fleet, '4.14.0');
    await world.clock.run(3_000);
    expect(client.state.outcome).toBe('open');
    await fleet.server(0).restart({ version: '4.17.0' });
    await world.clock.run(3_000);
    expect(client.state.outcome).toBe('CLIENT_OUTDATED');
    expect(fleet.server(0).clients).toEqual([]);
  });

  test('a client that leaves while it waits is logged and no longer counted', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    await fleet.server(0).stop();
    const abort = new AbortController();
    const gone = fleet.connect('4.14.0', { signal: abort.signal }).catch(({ name }) => name);
    await world.clock.run(3_000);
    expect(fleet.gate.status().handshakes).toBe(1);
    abort.abort();
    await world.clock.run(1_500);
    expect(await gone).toBe('ConnectError');
    expect(fleet.gate.status().handshakes).toBe(0);
    expect(fleet.log.handshakes).toHaveLength(1);
    expect(fleet.log.handshakes[0]).toMatchObject({
      verdict: 'refuse',
      code: 'CLIENT_LEFT',
      retry: 'later',
      waitedFor: expect.stringMatching(/^(NO_SERVER|SERVER_UNREACHABLE)$/),
      message: expect.stringMatching(/left/),
    });
  });

  test('a client that leaves while its server is dialled is logged as one that left, and the server is not blamed', async () => {
    const world = virtualEnvironment({ latency: 100 });
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }], timeouts: TIMEOUTS });
    const client = await dialRaw(world, fleet.address());
    client.connection.send(helloBytes('4.14.0'));
    await world.clock.run(150);
    expect(fleet.gate.status().handshakes).toBe(1);
    client.connection.destroy();
    await world.clock.run(1_000);
    expect(fleet.log.handshakes).toMatchObject([{ verdict: 'refuse', code: 'CLIENT_LEFT', waitedFor: null }]);
    expect(fleet.gate.status().servers).toMatchObject([{ id: 's1', state: 'up', sessions: 0 }]);
    expect(fleet.server(0).clients).toEqual([]);
  });

  test('one that is held for a server is not told of the upgrade that runs meanwhile', async () => {
    const { world, fleet } = await start({
      servers: [{ version: '4.14.0', tables: createMemoryTables(27), upgradeMs: 20_000 }],
    });
    await using _ = fleet;
    const newer = hurried(fleet, '4.14.0');
    // Its first part, and the second after which progress is told.
    await world.clock.run(5_000);
    expect(newer.waits.at(-1)).toMatchObject({
      code: 'UPGRADE_IN_PROGRESS',
      reason: expect.stringMatching(/^upgrading the system tables/),
      progress: expect.any(Number),
    });
    fleet.server(0).running.leave();
    const older = hurried(fleet, '4.13.0');
    await world.clock.run(3_000);
    expect(older.waits.length).toBeGreaterThan(1);
    expect(fleet.gate.status().heldFor).toEqual({ upgrade: 1, server: 1, operator: 0 });
    for (const { code, progress, reason } of older.waits) {
      expect(code).toMatch(/^(NO_SERVER|SERVER_UNREACHABLE)$/);
      expect(progress).toBeNull();
      expect(reason).not.toContain('upgrading the system tables');
    }
  });

  test('many that wait are all admitted, and the servers are not asked once for each of them', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    await fleet.server(0).stop();
    const clients = Array.from({ length: 200 }, () => hurried(fleet, '4.14.0'));
    await world.clock.run(5_000);
    let asked = 0;
    await fleet.server(0).restart();
    const network = world.transports.tcp;
    const dialServer = network?.dial;
    if (network)
      Object.assign(network, {
        dial: (...args: Parameters<typeof network.dial>) => {
          asked++;
          return dialServer?.(...args);
        },
      });
    await world.clock.run(3_000);
    expect(new Set(clients.map(({ state }) => state.outcome.split(' after')[0]))).toEqual(
      new Set(['admitted by s1']),
    );
    // One connection for each session, and a few probes.
    expect(asked).toBeLessThan(220);
    expect(fleet.gate.status().handshakes).toBe(0);
  });

  test('what a waiting client sends early reaches the server when it is back', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    await fleet.server(0).stop();
    const client = await dialRaw(world, fleet.address());
    client.connection.send(Buffer.concat([helloBytes('4.14.0'), Buffer.from('patient')]));
    await world.clock.run(5_000);
    expect(answersIn(client.bytes).waits.length).toBeGreaterThan(2);
    await fleet.server(0).restart();
    await world.clock.run(3_000);
    expect(answersIn(client.bytes).rest.toString()).toBe('patient');
    client.connection.destroy();
  });
});

describe('a hello that does not come', () => {
  test('is waited for no longer than the handshake timeout', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    const silent = await dialRaw(world, fleet.address());
    const half = await dialRaw(world, fleet.address());
    half.connection.send(helloBytes('4.14.0').subarray(0, 20));
    await world.clock.run(9_990);
    expect(silent.received).toBe(0);
    expect(fleet.gate.status().handshakes).toBe(2);
    await world.clock.run(100);
    for (const client of [silent, half])
      expect(answersIn(client.bytes).refuse).toMatchObject({ code: 'HANDSHAKE_TIMEOUT', retry: 'later' });
    expect(fleet.log.codes).toEqual(['HANDSHAKE_TIMEOUT', 'HANDSHAKE_TIMEOUT']);
    expect(fleet.log.handshakes[0]?.phases).toMatchObject({ helloMs: null, dialMs: null });
    expect(fleet.gate.status().handshakes).toBe(0);
  });

  test('a slow drip of bytes does not stretch the timeout', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    const client = await dialRaw(world, fleet.address());
    const hello = helloBytes('4.14.0');
    for (const byte of hello.subarray(0, -1)) {
      client.connection.send(Uint8Array.of(byte));
      await world.clock.run(500);
    }
    expect(fleet.log.codes).toEqual(['HANDSHAKE_TIMEOUT']);
    expect(answersIn(client.bytes).refuse?.code).toBe('HANDSHAKE_TIMEOUT');
    expect(fleet.log.handshakes[0]?.phases.totalMs).toBe(10_000);
  });

  test('a hello byte by byte within the time is a hello', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    const client = await dialRaw(world, fleet.address());
    for (const byte of Buffer.concat([helloBytes('4.14.0'), Buffer.from('ok')])) {
      client.connection.send(Uint8Array.of(byte));
      await world.clock.run(50);
    }
    await world.clock.run(100);
    expect(fleet.log.codes).toEqual(['PERMITTED']);
    expect(answersIn(client.bytes).rest.toString()).toBe('ok');
    client.connection.destroy();
  });
});
