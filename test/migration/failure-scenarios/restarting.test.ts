/** Servers that restart just as a hook ends: what they said before is no answer. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { startFleet } from '../../support/gate.ts';

test('the step counts as done once a server is up again and says so, and is not run a second time', async () => {
  const world = virtualEnvironment();
  const folder = tempFolder();
  writeFileSync(`${folder}/hook.mjs`, 'export default () => globalThis.upgradeTables();');
  const store = new MemoryStore(world.clock);
  const tables = createMemoryTables(27);
  await using fleet = await startFleet(world, {
    servers: [{ version: '4.14.0', tables }],
    store,
    folder,
    migration: { hook: { module: 'hook.mjs' } },
  });
  let runs = 0;
  Object.assign(globalThis, {
    async upgradeTables() {
      runs++;
      tables.complete(1, 28);
      await fleet.server(0).stop();
    },
  });
  const held = fleet.connect('4.14.0');
  held.catch(() => {});
  await world.clock.run(4_000);
  expect(runs).toBe(1);
  await world.finish(fleet.server(0).restart());
  await world.clock.run(3_000);
  (await world.finish(held)).destroy();
  const kinds = (await store.history('main')).map(({ what }) => what);
  expect(runs).toBe(1);
  expect(kinds).not.toContain('failed');
  expect(kinds.filter((what) => what === 'done')).toHaveLength(1);
});
