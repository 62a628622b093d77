/** A gate that stops: who is refused, who gets time, and that nothing is left. */
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MemoryStore } from '../../src/migration/ledger/memory.ts';
import { openStore } from '../../src/migration/ledger/registry.ts';
import { type Store, wrapStore } from '../../src/migration/ledger/store.ts';
import { pause } from '../../src/ports/clock.ts';
import { createMemoryTables } from '../../src/server/tables.ts';
import { realEnvironment, virtualEnvironment } from '../support/environment.ts';
import { tempFolder } from '../support/folder.ts';
import { startFleet } from '../support/gate.ts';
import { answersIn, dialRaw, helloBytes } from '../support/raw-client.ts';

const settled = async (promise: Promise<unknown>) =>
  (await Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(resolve, false))])) ===
  true;

describe('stop', () => {
  test('takes no new connections, and lets sessions end by themselves', async () => {
    await using fleet = await startFleet(realEnvironment, {
      listen: [{ tcp: '127.0.0.1:0' }, { ws: '127.0.0.1:0' }],
      servers: [{ version: '4.14.0' }],
    });
    const [one, two] = [await fleet.admit('4.14.0'), await fleet.admit('4.14.0', { at: 1 })];
    const stopping = fleet.gate.stop(60_000);
    for (const at of [0, 1])
      await expect(fleet.connect('4.14.0', { at })).rejects.toMatchObject({ name: 'ConnectError' });
    expect(await settled(stopping)).toBe(false);
    one.end('still served');
    two.end('me too');
    expect((await buffer(one)).toString()).toBe('still served');
    expect((await buffer(two)).toString()).toBe('me too');
    await stopping;
    expect(fleet.log.of('session-end').map(({ reason }) => reason)).toEqual(['both-ended', 'both-ended']);
    expect(fleet.log.lines.at(-1)).toMatchObject({ event: 'gate', what: 'stopped' });
    expect(fleet.gate.status().sessions).toBe(0);
  });

  test('closes sessions after the grace, in virtual time exactly then', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
    const session = await fleet.admit('4.14.0');
    let ended = false;
    session.on('end', () => {
      ended = true;
    });
    session.resume();
    let stopped = false;
    void fleet.gate.stop(10_000).then(() => {
      stopped = true;
    });
    await world.clock.run(9_999);
    expect([stopped, ended, fleet.gate.status().sessions]).toEqual([false, false, 1]);
    await world.clock.run(10);
    expect([stopped, ended, fleet.gate.status().sessions]).toEqual([true, true, 0]);
    expect(fleet.log.lines.map(({ event, what }) => what ?? event).slice(-3)).toEqual([
      'draining',
      'session-end',
      'stopped',
    ]);
    expect(fleet.cluster.servers[0]?.sessions).toBe(0);
    expect(fleet.server(0).opened).toHaveLength(1);
  });

  test('forced: not even a ledger that does not answer is waited for, while an upgrade runs', async () => {
    const world = virtualEnvironment();
    const folder = tempFolder();
    writeFileSync(path.join(folder, 'hook.mjs'), 'export default () => new Promise(() => {});');
    const store = new MemoryStore(world.clock);
    let silent: Promise<void> | null = null;
    await using fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }],
      folder,
      store: wrapStore(store, {
        async swap(...args) {
          await silent;
          return store.swap(...args);
        },
      }),
      migration: { baseline: '4.13.0', hook: { module: 'hook.mjs' } },
    });
    const refused = fleet.connect('4.14.0').catch(({ code }) => code);
    await world.clock.run(1_000);
    expect((await store.read('main')).text).toContain('"begun":true');
    const answers = Promise.withResolvers<void>();
    silent = answers.promise;
    const force = new AbortController();
    let stopped = false;
    void fleet.gate.stop(1_000, force.signal).then(() => {
      stopped = true;
    });
    await world.clock.run(5_000);
    expect([stopped, await refused]).toEqual([false, 'DRAINING']);
    force.abort();
    await world.clock.run(0);
    expect(stopped).toBe(true);
    answers.resolve();
  });

  test('while it starts and reads its ledger: it does not listen, and nothing is left that would go on', async () => {
    const world = virtualEnvironment({ latency: 100 });
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
    await world.finish(fleet.gate.stop(0));
    const others = fleet.servers.map(({ id, address }) => ({ id, address }));
    const store = new MemoryStore(world.clock);
    const slow: Store = wrapStore(store, {
      async read(cluster) {
        await pause(world.clock, 500);
        return store.read(cluster);
      },
    });
    const late = await startFleet(world, { others, store: slow }, { start: false });
    const starting = late.gate.start();
    await world.clock.run(350);
    await world.finish(Promise.all([late.gate.stop(0), starting]));
    // What is under way arrives.
    await world.clock.run(200);
    expect(late.gate.status().addresses).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  test('a probe that the stop breaks off says nothing about its server', async () => {
    const world = virtualEnvironment({ latency: 100 });
    await using fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }],
      timeouts: { probe: '5s' },
    });
    await world.clock.run(5_150);
    await world.finish(fleet.gate.stop(0));
    await world.clock.run(1_000);
    expect(fleet.log.of('server')).toHaveLength(1);
    expect(fleet.cluster.servers[0]?.state).toBe('up');
  });

  test('a second signal cuts the grace short', async () => {
    await using fleet = await startFleet(realEnvironment, { servers: [{ version: '4.14.0' }] });
    const session = await fleet.admit('4.14.0');
    const force = new AbortController();
    const stopping = fleet.gate.stop(600_000, force.signal);
    force.abort();
    await stopping;
    expect((await buffer(session)).length).toBe(0);
    expect(fleet.gate.status().sessions).toBe(0);
  });

  test('a client that waits is refused DRAINING at once', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
    await fleet.server(0).stop();
    const outcome = fleet.connect('4.14.0').catch(({ code, transient }) => ({ code, transient }));
    await world.clock.run(3_000);
    expect(fleet.gate.status().handshakes).toBe(1);
    const from = world.clock.now();
    await world.finish(fleet.gate.stop(10_000));
    expect(world.clock.now() - from).toBeLessThan(3_500);
    expect(await world.finish(outcome)).toEqual({ code: 'DRAINING', transient: true });
    expect(fleet.log.codes).toEqual(['DRAINING']);
    expect(fleet.gate.status().handshakes).toBe(0);
  });

  test('a client whose server answers only after the stop is refused DRAINING, and gets no session', async () => {
    const world = virtualEnvironment({ latency: 100 });
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
    const outcome = fleet.connect('4.14.0').catch(({ code }) => code);
    await world.clock.run(350);
    expect(fleet.gate.status().handshakes).toBe(1);
    await world.finish(fleet.gate.stop(0));
    expect(await world.finish(outcome)).toBe('DRAINING');
    await world.clock.run(1_000);
    expect(fleet.log.codes).toEqual(['DRAINING']);
    expect([fleet.gate.status().sessions, fleet.gate.status().handshakes]).toEqual([0, 0]);
    expect(fleet.server(0).clients).toEqual([]);
  });

  test('who waits for the ramp after an upgrade is refused DRAINING, and nobody is pending once the gate has stopped', async () => {
    const world = virtualEnvironment();
    const server = { version: '4.14.0', tables: createMemoryTables(27), upgradeMs: 1_000 };
    await using fleet = await startFleet(world, {
      servers: [server],
      migration: { ledger: 'memory:', hold: { ramp: 2 } },
    });
    const codes: string[] = [];
    for (let at = 0; at < 60; at++)
      void fleet.connect('4.14.0').then(
        (session) => codes.push(session.decision.code),
        ({ code }) => codes.push(code),
      );
    await world.clock.run(2_500);
    const { sessions, handshakes } = fleet.gate.status();
    expect(sessions).toBeGreaterThan(0);
    expect(handshakes).toBeGreaterThan(40);
    await world.finish(fleet.gate.stop(0));
    expect(fleet.gate.status()).toMatchObject({ state: 'stopped', handshakes: 0, sessions: 0, slots: 0 });
    expect(fleet.log.lines.at(-1)).toMatchObject({ event: 'gate', what: 'stopped' });
    await world.clock.run(100);
    expect(codes).toHaveLength(60);
    expect(codes.filter((code) => code === 'DRAINING')).toHaveLength(handshakes);
  });

  test('twice is said once, and the second time can only make it come sooner', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
    const session = await fleet.admit('4.14.0');
    session.resume();
    const from = world.clock.now();
    const first = fleet.gate.stop(60_000);
    await world.clock.run(1_000);
    expect(fleet.gate.status()).toMatchObject({ state: 'draining', sessions: 1 });
    await world.finish(Promise.all([first, fleet.gate.stop(500), fleet.gate.stop(90_000)]));
    expect(world.clock.now() - from).toBeLessThan(2_000);
    await world.finish(fleet.gate.stop());
    expect(fleet.log.of('gate').map(({ what }) => what)).toEqual(['started', 'draining', 'stopped']);
  });

  test('a gate that can not listen says nothing of an end that had no start, and leaves no ledger behind', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const folder = tempFolder();
    await using fleet = await startFleet(
      realEnvironment,
      {
        listen: [{ tcp: '127.0.0.1:0' }, { tcp: `127.0.0.1:${port}` }],
        servers: [{ version: '4.14.0', tables: createMemoryTables(28) }],
        store: openStore('sqlite:ledger.db', { folder, clock: realEnvironment.clock }),
      },
      { start: false },
    );
    await expect(fleet.gate.start()).rejects.toThrow(/EADDRINUSE/);
    expect(fleet.gate.status().state).toBe('stopped');
    expect(fleet.log.of('gate')).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a client that was accepted but has not spoken is not let in any more, and does not outlive the gate', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
    const silent = await dialRaw(world, fleet.address());
    const late = await dialRaw(world, fleet.address());
    const stopping = fleet.gate.stop(1_000);
    late.connection.send(helloBytes('4.14.0'));
    await world.clock.run(900);
    expect(answersIn(late.bytes).permit).toBeNull();
    await world.finish(stopping);
    expect(fleet.gate.status().handshakes).toBe(0);
    expect(fleet.log.lines.at(-1)).toMatchObject({ what: 'stopped' });
    await world.clock.run(60_000);
    expect(silent.closed).not.toBeUndefined();
    expect(fleet.server(0).clients).toEqual([]);
  });
});

describe('limits', () => {
  test('one client too many on its way in is refused; the others are not', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }],
      limits: { handshakes: 3 },
    });
    const silent = await Promise.all([0, 1, 2].map(() => dialRaw(world, fleet.address())));
    const refused = await fleet.refuse('4.14.0');
    expect(refused).toMatchObject({ code: 'TOO_MANY_CONNECTIONS', transient: true });
    for (const { connection } of silent.slice(0, 2)) connection.send(helloBytes('4.14.0'));
    await world.clock.run(100);
    expect(fleet.gate.status().sessions).toBe(2);
    const session = await fleet.admit('4.14.0');
    session.destroy();
    for (const { connection } of silent) connection.destroy();
    await world.clock.run(100);
    expect([fleet.gate.status().sessions, fleet.gate.status().handshakes]).toEqual([0, 0]);
  });

  test('sessions: the limit is given back as they end', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }],
      limits: { sessions: 2 },
    });
    const [one, two] = [await fleet.admit('4.14.0'), await fleet.admit('4.14.0')];
    const refused = await fleet.refuse('4.14.0');
    expect(refused).toMatchObject({ code: 'TOO_MANY_CONNECTIONS', retry: 'later' });
    expect(fleet.server(0).clients).toHaveLength(2);
    one.destroy();
    await world.clock.run(10);
    const three = await fleet.admit('4.14.0');
    for (const session of [two, three]) session.destroy();
  });

  test('a place that was taken for a client over which the gate failed is given back, and its server let go', async () => {
    const world = virtualEnvironment();
    let left = Number.POSITIVE_INFINITY;
    const random = {
      next() {
        if (left-- <= 0) throw new Error('out of numbers');
        return world.random.next();
      },
    };
    await using fleet = await startFleet(
      { ...world, random },
      { servers: [{ version: '4.14.0' }], limits: { sessions: 1 } },
    );
    // Enough for the id of the connection, not for that of the session.
    left = 12;
    await expect(fleet.admit('4.14.0')).rejects.toMatchObject({ name: 'ConnectError' });
    left = Number.POSITIVE_INFINITY;
    expect(fleet.log.of('gate', { what: 'fault' })).toHaveLength(1);
    const { active, ended } = fleet.gate.status().connections;
    expect([active, Object.fromEntries(ended)]).toEqual([0, { fault: 1 }]);
    const from = world.clock.now();
    await world.finish(fleet.server(0).running.idle(60_000));
    expect(world.clock.now() - from).toBeLessThan(1_000);
    const session = await fleet.admit('4.14.0');
    session.destroy();
  });
});
