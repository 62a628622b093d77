/** A gate is cut off from the ledger while another one upgrades: its clients are held against the tables as they are. */
import { expect, test } from 'vitest';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { LedgerUnavailable, wrapStore } from '../../../src/migration/ledger/store.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { startFleet } from '../../support/gate.ts';

test('[M4] before 4.3: it admits neither clients that are older than the tables by now nor those that need what it does not know to be on record', async () => {
  const world = virtualEnvironment();
  const store = new MemoryStore(world.clock);
  let isCut = false;
  const cutStore = wrapStore(store, {
    read: async (cluster) => {
      if (isCut) throw new LedgerUnavailable('cut off');
      return store.read(cluster);
    },
  });
  const servers = [{ version: '4.2.0', tables: createMemoryTables(3) }];
  const shared = { servers, timeouts: { probe: '500ms' }, migration: { grace: '1h' } } as const;
  await using gate = await startFleet(world, { ...shared, store });
  await using cutOff = await startFleet(world, { ...shared, store: cutStore });
  await world.clock.run(2_000);
  isCut = true;
  await world.clock.run(2_000);
  (await cutOff.admit('4.1.0')).destroy();
  const newer = await gate.admit('4.2.0');
  expect(newer.schemaLevel).toBe(4);
  await world.clock.run(1_000);
  expect(await cutOff.refuse('4.1.0')).toMatchObject({
    code: 'LOCKSTEP',
    rule: 'M4',
    move: { side: 'client', to: '4.2' },
  });
  expect((await cutOff.refuse('4.2.0')).code).toBe('LEDGER_UNAVAILABLE');
  isCut = false;
  await world.clock.run(2_000);
  (await cutOff.admit('4.2.0')).destroy();
  expect((await cutOff.refuse('4.1.0')).code).toBe('LOCKSTEP');
  newer.destroy();
});
