/** [M3] The one-time upgrade as clients of the gate see it. What runs inside has tests of its own. */
import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../src/migration/ledger/memory.ts';
import { LedgerUnavailable, wrapStore } from '../../src/migration/ledger/store.ts';
import { createMemoryTables, type Tables } from '../../src/server/tables.ts';
import { type VirtualEnvironment, virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';

/** Levels of 4.13 and 4.14 (domain: "The trigger is a schema level"). */
const OLD = 27;
const NEW = 28;

/** Tables that count how often a server brought them further. */
function countedTables(): Tables & { readonly completed: number[] } {
  const tables = createMemoryTables(OLD);
  const completed: number[] = [];
  return new Proxy(tables as Tables & { readonly completed: number[] }, {
    get(target, key) {
      if (key === 'completed') return completed;
      if (key === 'complete')
        return (token: number, level: number) => {
          target.complete(token, level);
          completed.push(level);
        };
      return Reflect.get(target, key, target);
    },
  });
}

function start(world: VirtualEnvironment, tables: Tables, upgradeMs = 5_000) {
  const server = { version: '4.14.0', tables, upgradeMs };
  return startFleet(world, { servers: [server, server, server] });
}

describe('[M3] the first newer client brings the upgrade', () => {
  test('it waits with progress, and is admitted to the upgraded tables', async () => {
    const world = virtualEnvironment();
    const tables = countedTables();
    await using fleet = await start(world, tables);
    const progress: Array<number | null> = [];
    const session = await fleet.admit('4.14.0', { onWait: (wait) => progress.push(wait.progress) });
    expect(session.schemaLevel).toBe(NEW);
    expect(session.waitedMs).toBeGreaterThanOrEqual(5_000);
    expect(tables.completed).toEqual([NEW]);
    expect(progress.length).toBeGreaterThan(3);
    expect(progress.some((done) => done !== null && done > 0)).toBe(true);
    expect(fleet.log.handshakes).toHaveLength(1);
    expect(fleet.log.handshakes[0]?.waitedFor).toMatch(/^UPGRADE_/);
    expect(fleet.log.of('migration').length).toBeGreaterThan(0);
    session.destroy();
  });

  test('who brings an upgrade hears that it is needed before that it runs, and never the other way round', async () => {
    const world = virtualEnvironment();
    const tables = countedTables();
    await using fleet = await start(world, tables);
    const codes: string[] = [];
    const session = await fleet.admit('4.14.0', { onWait: ({ code }) => codes.push(code) });
    expect([...new Set(codes)]).toEqual(['UPGRADE_NEEDED', 'UPGRADE_IN_PROGRESS']);
    expect(codes.lastIndexOf('UPGRADE_NEEDED')).toBeLessThan(codes.indexOf('UPGRADE_IN_PROGRESS'));
    session.destroy();
  });

  test('a gate that never reached its ledger serves nobody, not even who needs no upgrade', async () => {
    const world = virtualEnvironment();
    const memory = new MemoryStore(world.clock);
    let isReachable = false;
    const store = wrapStore(memory, {
      async read(cluster) {
        if (!isReachable) throw new LedgerUnavailable('nobody answers');
        return memory.read(cluster);
      },
    });
    const server = { version: '4.14.0', tables: countedTables() };
    await using fleet = await startFleet(world, { servers: [server], store });
    for (const version of ['4.13.0', '4.14.0'])
      expect(await fleet.refuse(version), version).toMatchObject({
        code: 'LEDGER_UNAVAILABLE',
        transient: true,
      });
    expect(fleet.server(0).clients).toEqual([]);
    isReachable = true;
    await world.clock.run(2_000);
    (await fleet.admit('4.13.0')).destroy();
  });

  test('twenty at once bring one upgrade; all are admitted; [M4] older ones are served meanwhile', async () => {
    const world = virtualEnvironment();
    const tables = countedTables();
    await using fleet = await start(world, tables);
    const newer = Array.from({ length: 20 }, () => fleet.connect('4.14.0'));
    await world.clock.run(2_000);
    const older = await fleet.admit('4.13.0');
    expect(tables.completed).toEqual([]);
    expect(older.waitedMs).toBe(0);
    expect(fleet.gate.status().sessions).toBe(1);
    const sessions = await world.finish(Promise.all(newer));
    expect(tables.completed).toEqual([NEW]);
    expect(new Set(sessions.map(({ schemaLevel }) => schemaLevel))).toEqual(new Set([NEW]));
    expect(fleet.log.codes.filter((code) => code === 'PERMITTED')).toHaveLength(21);
    for (const session of [...sessions, older]) session.destroy();
  });

  test('the next newer client waits for nothing', async () => {
    const world = virtualEnvironment();
    const tables = countedTables();
    await using fleet = await start(world, tables);
    const first = await fleet.admit('4.14.0');
    const second = await fleet.admit('4.14.1');
    expect(second.waitedMs).toBe(0);
    expect(tables.completed).toEqual([NEW]);
    for (const session of [first, second]) session.destroy();
  });

  test('a client that must not bring it is refused UPGRADE_REQUIRED, and nothing runs', async () => {
    const world = virtualEnvironment();
    const tables = countedTables();
    await using fleet = await start(world, tables);
    const refused = await fleet.refuse('4.14.0', { query: 'upgrade=must-not' });
    expect(refused).toMatchObject({
      code: 'UPGRADE_REQUIRED',
      rule: 'M3',
      vendorCode: 2011,
      sqlState: 'INT13',
      transient: false,
    });
    await world.clock.run(60_000);
    expect(tables.completed).toEqual([]);
    expect(tables.level).toBe(OLD);
    expect(fleet.server(0).clients).toEqual([]);
  });

  test('older clients need no upgrade and bring none', async () => {
    const world = virtualEnvironment();
    const tables = countedTables();
    await using fleet = await start(world, tables);
    const session = await fleet.admit('4.13.2');
    expect(session.waitedMs).toBe(0);
    await world.clock.run(60_000);
    expect(tables.completed).toEqual([]);
    session.destroy();
  });
});
