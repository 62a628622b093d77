/** Those who wait for an upgrade, and those who do not have to: on virtual time, with the ledger in memory. */
import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { LedgerUnavailable, wrapStore } from '../../../src/migration/ledger/store.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { type VirtualEnvironment, virtualEnvironment } from '../../support/environment.ts';
import { type ClientOptions, type Fleet, type FleetOptions, startFleet } from '../../support/gate.ts';
import { dialRaw } from '../../support/raw-client.ts';

/** Three servers on 4.14 whose tables are as 4.13 left them. */
async function start(
  migration: FleetOptions['migration'] = {},
  {
    upgradeMs = 20_000,
    world = virtualEnvironment(),
    ...more
  }: FleetOptions & { upgradeMs?: number; world?: VirtualEnvironment } = {},
) {
  const tables = createMemoryTables(27);
  const server = { version: '4.14.0', tables, upgradeMs };
  const fleet = await startFleet(world, { servers: [server, server, server], migration, ...more });
  return { world, fleet, tables };
}

/** A client whose fate can be looked at at any time. */
function arrive(fleet: Fleet, version: string, options: ClientOptions = {}) {
  const waits: Array<{ code: string; progress: number | null; deadlineMs: number; reason: string }> = [];
  const fate = { code: 'waits', at: 0, retryAfterMs: null as number | null, waits };
  fleet.connect(version, { ...options, onWait: (wait) => waits.push(wait) }).then(
    () => Object.assign(fate, { code: 'PERMITTED', at: fleet.world.clock.now() }),
    ({ code, retryAfterMs }) => Object.assign(fate, { code, retryAfterMs, at: fleet.world.clock.now() }),
  );
  return fate;
}

describe('those who wait', () => {
  test('are told of the progress from time to time, and how long they may wait', async () => {
    const { world, fleet } = await start();
    await using _ = fleet;
    const client = arrive(fleet, '4.14.0');
    await world.clock.run(19_000);
    expect(client.code).toBe('waits');
    const done = client.waits.map(({ progress }) => progress).filter((progress) => progress !== null);
    expect(done.length).toBeGreaterThan(10);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(done.at(-1)).toBeGreaterThanOrEqual(0.9);
    const left = client.waits.map(({ deadlineMs }) => deadlineMs);
    expect(left[0]).toBeGreaterThan(59_000);
    expect(left.at(-1)).toBeLessThan(42_000);
    expect(client.waits.at(-1)?.reason).toMatch(/upgrading the system tables to 4\.14\.0/);
    await world.clock.run(3_000);
    expect(client.code).toBe('PERMITTED');
  });

  test('wait no longer than the deadline, are told to come again at different times, and the upgrade goes on', async () => {
    const { world, fleet, tables } = await start({ hold: { deadline: '5s' } });
    await using _ = fleet;
    const clients = Array.from({ length: 20 }, () => arrive(fleet, '4.14.0'));
    await world.clock.run(4_500);
    expect(new Set(clients.map(({ code }) => code))).toEqual(new Set(['waits']));
    await world.clock.run(1_000);
    expect(new Set(clients.map(({ code }) => code))).toEqual(new Set(['UPGRADE_IN_PROGRESS']));
    const times = clients.map(({ retryAfterMs }) => retryAfterMs as number);
    expect(new Set(times).size).toBeGreaterThan(15);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...times)).toBeLessThanOrEqual(15_000);
    expect(fleet.log.handshakes[0]).toMatchObject({ vendorCode: 2010, sqlState: 'INT12', retry: 'later' });
    await world.clock.run(20_000);
    expect(tables.level).toBe(28);
    expect((await fleet.admit('4.14.0')).waitedMs).toBe(0);
  });

  test('are bounded in number: one more is refused at once, older clients are not counted', async () => {
    const { world, fleet } = await start({ hold: { clients: 5 } });
    await using _ = fleet;
    const clients = Array.from({ length: 5 }, () => arrive(fleet, '4.14.0'));
    await world.clock.run(1_000);
    const sixth = arrive(fleet, '4.14.0');
    await world.clock.run(100);
    expect(sixth.code).toBe('UPGRADE_IN_PROGRESS');
    expect(sixth.retryAfterMs).toBeGreaterThan(0);
    expect((await fleet.admit('4.13.0')).waitedMs).toBe(0);
    expect(new Set(clients.map(({ code }) => code))).toEqual(new Set(['waits']));
    await world.clock.run(30_000);
    expect(new Set(clients.map(({ code }) => code))).toEqual(new Set(['PERMITTED']));
  });

  test('one that leaves makes room for another', async () => {
    const { world, fleet } = await start({ hold: { clients: 1 } });
    await using _ = fleet;
    const abort = new AbortController();
    arrive(fleet, '4.14.0', { signal: abort.signal });
    await world.clock.run(1_000);
    abort.abort();
    await world.clock.run(1_500);
    const next = arrive(fleet, '4.14.0');
    await world.clock.run(500);
    expect(next.code).toBe('waits');
    await world.clock.run(25_000);
    expect(next.code).toBe('PERMITTED');
  });

  test('are let in at a ramp that doubles every second, not as a stampede', async () => {
    const { world, fleet } = await start({ hold: { ramp: 20 } });
    await using _ = fleet;
    const clients = Array.from({ length: 150 }, () => arrive(fleet, '4.14.0'));
    await world.clock.run(19_900);
    expect(fleet.gate.status().sessions).toBe(0);
    await world.clock.run(10_000);
    expect(new Set(clients.map(({ code }) => code))).toEqual(new Set(['PERMITTED']));
    const first = Math.min(...clients.map(({ at }) => at));
    const within = (seconds: number) => clients.filter(({ at }) => at - first < seconds * 1_000).length;
    expect(within(1)).toBeGreaterThanOrEqual(20);
    expect(within(1)).toBeLessThanOrEqual(31);
    expect(within(2) - within(1)).toBeGreaterThan(within(1) * 1.5);
    expect(within(2)).toBeLessThan(95);
  });

  test('a thousand that come only after the upgrade are let in at the ramp as well; older ones are not held up', async () => {
    const { world, fleet } = await start({ hold: { ramp: 20 } });
    await using _ = fleet;
    await fleet.admit('4.14.0');
    const from = world.clock.now();
    const clients = Array.from({ length: 1_000 }, () => arrive(fleet, '4.14.0'));
    const older = arrive(fleet, '4.13.0');
    await world.clock.run(10_000);
    expect(new Set(clients.map(({ code }) => code))).toEqual(new Set(['PERMITTED']));
    const within = (seconds: number) => clients.filter(({ at }) => at - from <= seconds * 1_000).length;
    expect(within(1)).toBeLessThanOrEqual(31);
    expect(within(2)).toBeLessThan(95);
    expect(within(6)).toBe(1_000);
    expect(older.at - from).toBeLessThan(100);
    await world.clock.run(60_000);
    const late = Array.from({ length: 100 }, () => arrive(fleet, '4.14.0'));
    const lateFrom = world.clock.now();
    await world.clock.run(1_000);
    expect(Math.max(...late.map(({ at }) => at)) - lateFrom).toBeLessThan(100);
  });

  test('older clients work during the upgrade; with hold.everyone they wait too', async () => {
    const free = await start();
    const held = await start({ hold: { everyone: true } });
    await using _ = free.fleet;
    await using __ = held.fleet;
    for (const { world, fleet } of [free, held]) {
      arrive(fleet, '4.14.0');
      await world.clock.run(1_000);
    }
    const older = arrive(free.fleet, '4.13.0');
    const waiting = arrive(held.fleet, '4.13.0');
    await free.world.clock.run(1_000);
    await held.world.clock.run(1_000);
    expect(older).toMatchObject({ code: 'PERMITTED', waits: [] });
    expect(waiting.code).toBe('waits');
    expect(waiting.waits[0]?.code).toBe('UPGRADE_IN_PROGRESS');
    await held.world.clock.run(25_000);
    expect(waiting.code).toBe('PERMITTED');
  });

  test('a client on an `assume` listener simply waits, and is served; or is closed at the deadline', async () => {
    const listen = [{ tcp: '127.0.0.1:0' }, { tcp: '127.0.0.1:0', assume: '4.14.0' }];
    const patient = await start({}, { listen });
    const hasty = await start({ hold: { deadline: '5s' } }, { listen });
    await using _ = patient.fleet;
    await using __ = hasty.fleet;
    const served = await dialRaw(patient.world, patient.fleet.address(1));
    const closed = await dialRaw(hasty.world, hasty.fleet.address(1));
    served.connection.send(Buffer.from('early'));
    await patient.world.clock.run(15_000);
    expect(served.received).toBe(0);
    expect(served.closed).toBeUndefined();
    await patient.world.clock.run(10_000);
    expect(served.text).toBe('early');
    await hasty.world.clock.run(4_000);
    expect(closed.closed).toBeUndefined();
    await hasty.world.clock.run(2_000);
    expect(closed.closed).toBeNull();
    expect(closed.received).toBe(0);
    expect(hasty.fleet.log.codes).toEqual(['UPGRADE_IN_PROGRESS']);
    expect(hasty.fleet.server(0).clients).toEqual([]);
    served.connection.destroy();
  });
});

describe('a ledger that does not answer while an upgrade runs', () => {
  /** One gate holds the claim; the readings of another one fail while `cut`. */
  async function startTwo() {
    const world = virtualEnvironment();
    const store = new MemoryStore(world.clock);
    const state = { cut: false };
    const shaky = wrapStore(store, {
      async read(cluster) {
        if (state.cut) throw new LedgerUnavailable('no answer');
        return store.read(cluster);
      },
    });
    const { fleet } = await start({ lease: '10s' }, { world, store, upgradeMs: 40_000 });
    const others = fleet.servers.map(({ id, address }) => ({ id, address }));
    const looking = await startFleet(world, { others, store: shaky, migration: { lease: '10s' } });
    const brings = arrive(fleet, '4.14.0');
    await world.clock.run(2_000);
    const waits = arrive(looking, '4.14.0');
    await world.clock.run(2_000);
    return { world, fleet, looking, state, brings, waits };
  }

  test('holds those who wait for as long as the lease of the holder lives', async () => {
    const { world, fleet, looking, state, brings, waits } = await startTwo();
    await using _ = fleet;
    await using __ = looking;
    state.cut = true;
    await world.clock.run(5_000);
    expect(looking.log.of('migration', { what: 'ledger-unavailable' })).toHaveLength(1);
    expect(waits.code).toBe('waits');
    state.cut = false;
    await world.clock.run(40_000);
    expect([brings.code, waits.code]).toEqual(['PERMITTED', 'PERMITTED']);
  });

  test('and no longer', async () => {
    const { world, fleet, looking, state, waits } = await startTwo();
    await using _ = fleet;
    await using __ = looking;
    state.cut = true;
    await world.clock.run(13_000);
    expect(waits.code).toBe('LEDGER_UNAVAILABLE');
  });
});

describe('who may bring it', () => {
  test('in a window of time only', async () => {
    const trigger = { window: '00:10-00:20' };
    const { world, fleet, tables } = await start({ trigger });
    const late = await start({ trigger });
    await using _ = fleet;
    await using __ = late.fleet;
    const early = await fleet.refuse('4.14.0');
    expect(early).toMatchObject({ code: 'UPGRADE_REQUIRED' });
    expect(early.message).toContain('the window from 00:10 to 00:20 UTC');
    await late.world.clock.run(21 * 60_000);
    expect((await late.fleet.refuse('4.14.0')).code).toBe('UPGRADE_REQUIRED');
    for (const each of [tables, late.tables]) expect(each.token).toBe(0);
    await world.clock.run(11 * 60_000);
    expect((await fleet.admit('4.14.0')).schemaLevel).toBe(28);
  });

  test('a named canary only; the others are served after it', async () => {
    const { fleet, tables } = await start({ trigger: { canary: 'bird' } });
    await using _ = fleet;
    expect((await fleet.refuse('4.14.0')).message).toContain('the client named bird');
    expect((await fleet.refuse('4.14.0', { query: 'name=cat' })).code).toBe('UPGRADE_REQUIRED');
    expect(tables.token).toBe(0);
    expect((await fleet.admit('4.14.0', { query: 'name=bird' })).schemaLevel).toBe(28);
    expect((await fleet.admit('4.14.0', { query: 'name=cat' })).waitedMs).toBe(0);
  });

  test('after three distinct newer clients: the same one twice counts once', async () => {
    const { world, fleet, tables } = await start({ trigger: { clients: 3 } });
    await using _ = fleet;
    for (const name of ['a', 'b', 'a', 'b']) {
      expect((await fleet.refuse('4.14.0', { query: `name=${name}` })).code).toBe('UPGRADE_REQUIRED');
      await world.clock.run(1_000);
    }
    // An older one is no newer client.
    (await fleet.admit('4.13.0', { query: 'name=old' })).destroy();
    expect(tables.token).toBe(0);
    expect((await fleet.admit('4.14.0', { query: 'name=c' })).schemaLevel).toBe(28);
  });
});

describe('what only time shows', () => {
  test('an upgrade many times as long as the lease is renewed and runs once, with other gates looking on', async () => {
    const world = virtualEnvironment({ latency: 20 });
    const store = new MemoryStore(world.clock);
    const options = { world, store, upgradeMs: 300_000 };
    const { fleet, tables } = await start({ lease: '5s', hold: { deadline: '20m' } }, options);
    const others = fleet.servers.map(({ id, address }) => ({ id, address }));
    const looking = await startFleet(world, {
      others,
      store,
      migration: { lease: '5s', hold: { deadline: '20m' } },
    });
    await using _ = fleet;
    await using __ = looking;
    const clients = [arrive(fleet, '4.14.0'), arrive(looking, '4.14.0')];
    await world.clock.run(350_000);
    expect(clients.map(({ code }) => code)).toEqual(['PERMITTED', 'PERMITTED']);
    expect(tables.token).toBe(1);
    const history = await store.history('main');
    expect(history.map(({ what }) => what)).toEqual([
      'level-observed',
      'planned',
      'running',
      'step-done',
      'done',
    ]);
    for (const each of [fleet, looking])
      expect(each.log.of('migration', { what: 'foreign-ledger' })).toEqual([]);
  });

  test.for([5, 30, 80, 200])(
    'servers %i ms away, asked by everybody all the time: a stale answer is not taken for a failure, nor for tables that went back',
    async (latency) => {
      const world = virtualEnvironment({ latency, seed: latency });
      const store = new MemoryStore(world.clock);
      const { fleet } = await start(
        {},
        { world, store, upgradeMs: 1_000, timeouts: { probe: `${2 * latency + 1}ms`, fresh: '1ms' } },
      );
      const others = fleet.servers.map(({ id, address }) => ({ id, address }));
      const looking = await startFleet(world, {
        others,
        store,
        timeouts: { probe: `${2 * latency + 3}ms`, fresh: '1ms' },
      });
      await using _ = fleet;
      await using __ = looking;
      const clients = [0, 1, 2, 3, 4, 5].map((at) => arrive(at % 2 ? looking : fleet, '4.14.0'));
      await world.clock.run(20_000);
      expect(clients.map(({ code }) => code)).toEqual(clients.map(() => 'PERMITTED'));
      const history = await store.history('main');
      expect(history.map(({ what }) => what)).toEqual([
        'level-observed',
        'planned',
        'running',
        'step-done',
        'done',
      ]);
      for (const each of [fleet, looking])
        expect(each.log.of('migration', { what: 'foreign-ledger' })).toEqual([]);
    },
  );

  test('one server alone that reports a lower level is not followed', async () => {
    const world = virtualEnvironment();
    const store = new MemoryStore(world.clock);
    const { fleet } = await start({}, { world, store, upgradeMs: 1_000 });
    await using _ = fleet;
    (await fleet.admit('4.14.0')).destroy();
    await fleet.server(2).restart({ tables: createMemoryTables(27) });
    await world.clock.run(60_000);
    expect((await store.history('main')).map(({ what }) => what)).not.toContain('level-went-back');
  });

  test('attempts come back-off apart: 10 s, then 20 s, and none before', async () => {
    const world = virtualEnvironment();
    const tables = createMemoryTables(27);
    const broken = Object.create(tables, {
      begin: {
        value() {
          throw new Error('out of order');
        },
      },
      level: { get: () => tables.level },
      token: { get: () => 0 },
    });
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0', tables: broken }] });
    const failures = () => fleet.log.of('migration', { what: 'failed' });
    const from = world.clock.now();
    // Somebody comes every second.
    for (let second = 0; second < 60; second++) {
      arrive(fleet, '4.14.0');
      await world.clock.run(1_000);
    }
    const at = failures().map(({ time }) => Date.parse(time) - from);
    expect(at).toHaveLength(3);
    expect(at[1] as number).toBeGreaterThanOrEqual(7_500);
    expect(at[1] as number).toBeLessThanOrEqual(14_000);
    expect((at[2] as number) - (at[1] as number)).toBeGreaterThanOrEqual(15_000);
    expect((at[2] as number) - (at[1] as number)).toBeLessThanOrEqual(27_000);
    expect(failures().map(({ retryAt }) => retryAt === null)).toEqual([false, false, true]);
  });
});
