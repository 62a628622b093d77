/** A level that no release of the catalogue reaches, as one server reports it while the others report none. */
import { expect, test } from 'vitest';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { startFleet } from '../../support/gate.ts';

const ABSURD = 2_147_483_647;

async function recordedLevel(reported: readonly (number | null)[]): Promise<unknown> {
  const world = virtualEnvironment();
  const store = new MemoryStore(world.clock);
  await using fleet = await startFleet(world, {
    servers: reported.map((level) => ({
      version: '4.15.0',
      ...(level !== null && { tables: createMemoryTables(level) }),
    })),
    migration: { ledger: 'memory:', baseline: '4.15.0' },
    store,
  });
  (await fleet.admit('4.15.0')).destroy();
  await world.clock.run(30_000);
  (await fleet.admit('4.15.0')).destroy();
  const { text } = await store.read('main');
  return text === null ? null : JSON.parse(text).level;
}

test('is not recorded in the ledger, and clients are served', async () => {
  expect(await recordedLevel([null, ABSURD])).toBeNull();
  expect(await recordedLevel([ABSURD])).toBeNull();
});

test('a level of the catalogue is recorded, also where one server alone reports it', async () => {
  expect(await recordedLevel([null, 29])).toBe(29);
});
