/** Policies without system tables: there is nothing to upgrade, so no ledger can be in anybody's way. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { configSchema } from '../../../src/config/schema.ts';
import { buildGate } from '../../../src/gateway/build.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { LedgerUnavailable, wrapStore } from '../../../src/migration/ledger/store.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { startFleet } from '../../support/gate.ts';
import { CollectedLog } from '../../support/log.ts';

test.each(['kubernetes', 'ranges'] as const)(
  'under %s a ledger that can not be read keeps nobody out, and is not even asked',
  async (preset) => {
    const world = virtualEnvironment();
    let asked = 0;
    const store = wrapStore(new MemoryStore(world.clock), {
      async read() {
        asked++;
        throw new LedgerUnavailable('the disk is gone');
      },
    });
    const protocol = { min: 1, max: 3 };
    await using fleet = await startFleet(world, {
      policy: { preset },
      servers: [{ version: '1.30.0', ...(preset === 'ranges' && { protocol }) }],
      store,
    });
    const more = preset === 'ranges' ? { query: 'protocol=1..3' } : {};
    const session = await fleet.admit('1.29.0', more);
    expect(session.waitedMs).toBe(0);
    await world.clock.run(5_000);
    expect(asked).toBe(0);
    expect(fleet.log.of('migration')).toEqual([]);
    session.destroy();
  },
);

test('under kubernetes no file of a ledger is made, and no hook is missed', async () => {
  const world = virtualEnvironment();
  const folder = tempFolder();
  const config = configSchema.parse({
    policy: { preset: 'kubernetes' },
    listen: [{ tcp: '127.0.0.1:0' }],
    servers: [{ id: 's1', address: 'tcp://127.0.0.1:1', version: '1.30.0' }],
    migration: { ledger: 'sqlite:ledger.db', hook: { module: 'nowhere.mjs' } },
  });
  const { gate } = buildGate(config, { ...world, folder, stdout: new CollectedLog().stream, say: () => {} });
  await gate.prepare();
  await world.finish(gate.start());
  await world.clock.run(5_000);
  await world.finish(gate.stop(0));
  expect(existsSync(path.join(folder, 'ledger.db'))).toBe(false);
});
