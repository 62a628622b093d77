/** Tables that went back at a bad moment: what was recorded of it does not count any more. */
import { expect, test } from 'vitest';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { checkHistory } from '../../support/check-history.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { startFleet } from '../../support/gate.ts';
import { claimed, finish, requestOf } from '../../support/ledger.ts';

test('PHOENIX-2099: its gate died after the first of two steps, and a snapshot was restored: both steps are run, in order', async () => {
  const world = virtualEnvironment();
  const store = new MemoryStore(world.clock);
  const ledger = new Ledger(store, 'main', world.clock);
  const dead = claimed(await ledger.claim(requestOf('dead'), 15_000));
  await dead.runStarted('main/1/0-3/4.1.0');
  await dead.runDone(0, 'main/1/0-3/4.1.0', true);
  await dead.runStarted('main/1/3-4/4.2.0');
  await world.clock.run(20_000);
  expect((await ledger.read()).record).toMatchObject({ level: 3, claim: { runsDone: 1 } });
  const tables = createMemoryTables(0);
  await using fleet = await startFleet(world, { servers: [{ version: '4.2.0', tables }], store });
  const session = await fleet.admit('4.2.0');
  expect(session.schemaLevel).toBe(4);
  const history = await ledger.history();
  checkHistory(history);
  const ran = history.filter(({ what, token }) => what === 'running' && token !== dead.token);
  expect(ran.map(({ fromLevel, toLevel }) => [fromLevel, toLevel])).toEqual([
    [0, 3],
    [3, 4],
  ]);
  expect(history.filter(({ what }) => what === 'level-went-back')).toMatchObject([
    { fromLevel: 3, toLevel: 0 },
  ]);
  // Work that is keyed by what was lost is not taken for done.
  for (const { key } of ran) expect(key).toMatch(/^main\/2\//);
  session.destroy();
});

test('a client comes before the ledger followed: the upgrade it brings is one of the new epoch, under a new key', async () => {
  const world = virtualEnvironment();
  const store = new MemoryStore(world.clock);
  const ledger = new Ledger(store, 'main', world.clock);
  await finish(claimed(await ledger.claim(requestOf('before', '4.13.0', '4.14.0'), 15_000)));
  const tables = { ...createMemoryTables(28), level: 28 };
  const server = { version: '4.14.0', tables };
  await using fleet = await startFleet(world, { servers: [server], store, timeouts: { probe: '1h' } });
  expect((await ledger.read()).record).toMatchObject({ level: 28, epoch: 1 });
  tables.level = 27;
  tables.complete = (_token, level) => {
    tables.level = level;
  };
  // Within the heartbeat of a second.
  const session = await fleet.admit('4.14.0');
  expect(session.schemaLevel).toBe(28);
  const history = await ledger.history();
  checkHistory(history);
  expect(history.findLast(({ what }) => what === 'running')?.key).toMatch(/^main\/2\//);
  session.destroy();
});
