/** A ledger that is not the one it was: deleted, wiped, replaced, or taken back to an older state. */
import { describe, expect, test } from 'vitest';
import { EtcdStore } from '../../../src/migration/ledger/etcd.ts';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { LedgerUnavailable, wrapStore } from '../../../src/migration/ledger/store.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { NO_ETCD, startEtcd } from '../../support/etcd.ts';
import { startFleet } from '../../support/gate.ts';
import { OPERATOR } from '../../support/ledger.ts';
import { FailureScenario, onEachLedger } from './failure-scenario.ts';

const DOUBTED = {
  code: 'UPGRADE_REQUIRED',
  move: { side: 'operator', to: 'accept-ledger', who: ['operator'] },
};

onEachLedger('a ledger that is lost under running gates', (start) => {
  test('while a hook runs: it is ended, no other one begins until an operator accepts the ledger, and then under a higher token', async () => {
    const scenario = await start({ reporting: false, unchecked: true });
    const migration = { baseline: '4.13.0', hook: scenario.hook() };
    const [holder, other] = [await scenario.gate({ migration }), await scenario.gate({ migration })];
    const waiting = holder.connect('4.14.0').catch((error) => error);
    await scenario.worked(1);
    await other.log.until('gate', { what: 'started' });
    await scenario.until(({ record }) => record.claim !== null, 'the claim');
    await scenario.loseRecord();
    for (const gate of [holder, other]) await gate.log.until('migration', { what: 'ledger-doubted' });
    await holder.log.until('migration', { what: 'lost' });
    expect(await waiting).toMatchObject(DOUBTED);
    expect(await other.refuse('4.14.0')).toMatchObject(DOUBTED);
    expect(other.said.filter((line) => line.includes('ledger-doubted'))).toHaveLength(1);
    for (const gate of [holder, other]) (await gate.connect('4.13.0')).destroy();
    // One that never saw the ledger that was lost goes by what is on record.
    const newcomer = await scenario.gate({ migration });
    expect(await newcomer.refuse('4.14.0')).toMatchObject(DOUBTED);
    expect(scenario.work()).toEqual([`begin 1 27 28 ${scenario.cluster}/1/27-28/4.14.0`]);
    await scenario.ledger.accept(OPERATOR);
    scenario.letGo();
    (await scenario.comeBack(other, '4.14.0', 'UPGRADE_REQUIRED')).destroy();
    const { record } = await scenario.upgraded(28);
    expect(record).toMatchObject({ token: 2, doubt: null });
    const kinds = await scenario.kinds();
    expect(kinds.filter((kind) => kind.startsWith('ledger-'))).toEqual(['ledger-doubted', 'ledger-accepted']);
    expect(scenario.work().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'begin 1',
      'begin 2',
      'end 2',
    ]);
  });

  test('an older copy is noticed: its tokens are not given again, and the upgrade that it forgot does not run again by itself', async () => {
    const scenario = await start({ reporting: false, unchecked: true, servers: ['4.15.0'] });
    scenario.letGo();
    const gate = await scenario.gate({ migration: { baseline: '4.13.0', hook: scenario.hook() } });
    await scenario.ledger.block(OPERATOR, null);
    await scenario.ledger.unblock(OPERATOR);
    const older = await scenario.rawRecord();
    (await scenario.comeBack(gate, '4.14.0', 'UPGRADE_BLOCKED')).destroy();
    await scenario.upgraded(28);
    await scenario.writeRecord(older);
    const { error } = await gate.log.until('migration', { what: 'ledger-doubted' });
    expect(error).toMatch(/older than it was: its last token is 0, and a gate saw token 1/);
    expect(await gate.refuse('4.15.0')).toMatchObject(DOUBTED);
    expect(scenario.work()).toHaveLength(2);
    const { record } = await scenario.until(({ record }) => record.doubt !== null, 'the doubt on record');
    expect(record.token).toBe(1);
  });

  test('the right one is brought back: the upgrade goes on by itself', async () => {
    const scenario = await start();
    const gate = await scenario.gate();
    await scenario.until(({ record }) => record.level === 27, 'the level on record');
    const right = await scenario.rawRecord();
    await scenario.loseRecord();
    await gate.log.until('migration', { what: 'ledger-doubted' });
    await scenario.until(({ record }) => record.doubt !== null, 'the doubt on record');
    await scenario.writeRecord(right);
    await gate.log.until('migration', { what: 'ledger-accepted' });
    (await gate.connect('4.14.0')).destroy();
    expect((await scenario.upgraded(28)).record.token).toBe(1);
  });
});

describe.skipIf(NO_ETCD !== null)('etcd is wiped under a running gate', () => {
  test('it is noticed, and what happens from then on has a line of history each', async () => {
    await using etcd = await startEtcd();
    const scenario = await FailureScenario.start(etcd.url, { unchecked: true });
    const gate = await scenario.gate();
    (await gate.connect('4.14.0')).destroy();
    await scenario.upgraded(28);
    for (const by of ['olga', 'oscar', 'otto']) await scenario.ledger.retry({ by, reason: '' });
    await etcd.member(0).wipe();
    await gate.log.until('migration', { what: 'ledger-doubted' });
    const store = new EtcdStore({ hosts: etcd.hosts });
    const before = new Ledger(store, scenario.cluster, realClock);
    for (const by of ['olga', 'oscar', 'otto']) await scenario.ledger.retry({ by, reason: '' });
    const retries = (await before.history()).filter(({ what }) => what === 'retried');
    expect(retries.map(({ by }) => by)).toEqual(['olga', 'oscar', 'otto']);
    await store.close();
  });
});

test('another gate notices it while one that never knew the lost ledger runs a hook: that one is ended too', async () => {
  const world = virtualEnvironment();
  const lost = new MemoryStore(world.clock);
  const store = new MemoryStore(world.clock);
  let now: 'lost' | 'out of reach' | 'there' = 'lost';
  const seen = wrapStore(store, {
    async read(cluster) {
      if (now === 'out of reach') throw new LedgerUnavailable('no route');
      return (now === 'lost' ? lost : store).read(cluster);
    },
    swap: (...args) => (now === 'lost' ? lost : store).swap(...args),
  });
  const tables = createMemoryTables(27);
  const servers = [{ version: '4.14.0', tables, upgradeMs: 20_000 }];
  await using witness = await startFleet(world, { servers, store: seen });
  await world.clock.run(2_000);
  now = 'out of reach';
  const others = witness.servers.map(({ id, address }) => ({ id, address }));
  await using newcomer = await startFleet(world, { others, store });
  const client = newcomer.connect('4.14.0').then(
    () => null,
    (error) => error,
  );
  await world.clock.run(5_000);
  expect(tables.token).toBe(1);
  now = 'there';
  expect(await world.finish(client)).toMatchObject(DOUBTED);
  expect(newcomer.log.of('migration', { what: 'lost' })).toHaveLength(1);
  await world.clock.run(60_000);
  expect([tables.level, tables.token]).toEqual([27, 1]);
  expect((await store.history('main')).map(({ what }) => what)).not.toContain('step-done');
  await new Ledger(store, 'main', world.clock).accept(OPERATOR);
  await world.clock.run(2_000);
  (await newcomer.admit('4.14.0')).destroy();
  expect([tables.level, tables.token]).toEqual([28, 2]);
});
