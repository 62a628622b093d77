/** Answers that come late: what they say was true when they were asked for, not any more. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { LedgerUnavailable, type Store, wrapStore } from '../../../src/migration/ledger/store.ts';
import { pause } from '../../../src/ports/clock.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { checkHistory } from '../../support/check-history.ts';
import { type VirtualEnvironment, virtualEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { startFleet } from '../../support/gate.ts';

/** The same store, seen by a gate to which each answer takes `by.ms` to come. */
function delayed(world: VirtualEnvironment, store: Store, by: { ms: number }): Store {
  return wrapStore(store, {
    async read(cluster) {
      const seen = await store.read(cluster);
      await pause(world.clock, by.ms);
      return seen;
    },
  });
}

test('a plan that was made on an old look at the ledger is not run: the tables are planned for anew', async () => {
  const world = virtualEnvironment();
  const folder = tempFolder();
  writeFileSync(`${folder}/hook.mjs`, 'export default () => {};');
  const store = new MemoryStore(world.clock);
  const by = { ms: 0 };
  // Servers report no level: only the ledger knows.
  const servers = [{ version: '4.16.0' }, { version: '4.16.0' }];
  const migration = { baseline: '4.13.0', hook: { module: 'hook.mjs' }, hold: { deadline: '1h' } };
  await using first = await startFleet(world, { servers, store, folder, migration });
  const others = first.servers.map(({ id, address }) => ({ id, address }));
  await using late = await startFleet(world, { others, store: delayed(world, store, by), folder, migration });
  (await first.admit('4.14.0')).destroy();
  // Less than a lease: it can hold a claim, but hears of nothing in time.
  by.ms = 8_000;
  await world.clock.run(60_000);
  (await first.admit('4.15.0')).destroy();
  const session = await late.admit('4.16.0');
  expect(session.schemaLevel).toBe(33);
  const history = await store.history('main');
  checkHistory(history);
  const done = history.filter(({ what }) => what === 'step-done');
  expect(done.map(({ fromLevel, toLevel }) => [fromLevel, toLevel])).toEqual([
    [27, 28],
    [28, 29],
    [29, 33],
  ]);
  expect(history.filter(({ what }) => what === 'running')).toHaveLength(3);
  session.destroy();
});

test('a token that came after the ledger was asked does not make a stranger of the gate that gave it', async () => {
  const world = virtualEnvironment();
  const store = new MemoryStore(world.clock);
  const by = { ms: 0 };
  const server = { version: '4.14.0', tables: createMemoryTables(27), upgradeMs: 10_000 };
  await using first = await startFleet(world, { servers: [server], store });
  const others = first.servers.map(({ id, address }) => ({ id, address }));
  const slow = delayed(world, store, by);
  await using late = await startFleet(world, { others, store: slow, timeouts: { probe: '100ms' } });
  by.ms = 3_000;
  // It has asked, and the answer is on its way.
  await world.clock.run(1_500);
  (await first.admit('4.14.0')).destroy();
  await world.clock.run(20_000);
  expect(late.cluster.token).toBe(1);
  expect(late.log.of('migration', { what: 'foreign-ledger' })).toEqual([]);
  expect((await store.history('main')).map(({ what }) => what)).not.toContain('level-went-back');
});

test('who asks for fresh facts is not given the answer to a question asked before', async () => {
  const world = virtualEnvironment({ latency: 100 });
  const tables = createMemoryTables(27);
  await using fleet = await startFleet(world, { servers: [{ version: '4.14.0', tables }] });
  const earlier = fleet.cluster.refresh(0);
  // Its answer is on the way back by now.
  await world.clock.run(250);
  tables.complete(1, 28);
  expect(fleet.cluster.level).toBe(27);
  await world.finish(fleet.cluster.refresh(0));
  expect(fleet.cluster.level).toBe(28);
  await world.finish(earlier);
});

test('renewals that get lost are sent again well before the lease is over, and a look that gets lost is no failure', async () => {
  const world = virtualEnvironment();
  const store = new MemoryStore(world.clock);
  const tables = createMemoryTables(27);
  let lost: 'nothing' | 'renewals' | 'everything' = 'nothing';
  const shaky: Store = wrapStore(store, {
    async renew(...args) {
      if (lost !== 'nothing') throw new LedgerUnavailable('a member hangs');
      return store.renew(...args);
    },
    async read(cluster) {
      if (lost === 'everything') throw new LedgerUnavailable('a member hangs');
      return store.read(cluster);
    },
  });
  const server = { version: '4.14.0', tables, upgradeMs: 20_000 };
  await using fleet = await startFleet(world, { servers: [server], store: shaky });
  const waiting = fleet.connect('4.14.0');
  await world.clock.run(4_900);
  // Two thirds of the lease.
  lost = 'renewals';
  await world.clock.run(9_500);
  lost = 'nothing';
  await world.clock.run(4_000);
  // The upgrade is done meanwhile, and its record has to wait.
  lost = 'everything';
  await world.clock.run(4_000);
  lost = 'nothing';
  await world.clock.run(1_500);
  // Its own gate runs the upgrade: it is held meanwhile.
  const session = await world.finish(waiting);
  expect(session.schemaLevel).toBe(28);
  const history = await store.history('main');
  expect(history.map(({ what }) => what)).toEqual([
    'level-observed',
    'planned',
    'running',
    'step-done',
    'done',
  ]);
  expect(fleet.log.of('migration', { what: 'lost' })).toEqual([]);
  session.destroy();
});
