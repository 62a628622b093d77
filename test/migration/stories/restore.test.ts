/** A restore hook undoes what was done: it must not run beside another upgrade, or after one that went well. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/migration/ledger/memory.ts';
import { LedgerUnavailable, type Store } from '../../../src/migration/ledger/store.ts';
import { checkHistory } from '../../support/check-history.ts';
import { tempFolder } from '../../support/folder.ts';
import { startFleet } from '../../support/gate.ts';
import { virtualWorld } from '../../support/world.ts';

interface Seen {
  restores: string[];
  /** A restore began, or the hook ended. */
  reached: () => void;
}

/** A gate whose hooks tell `seen` what becomes of them, on a ledger with `trouble`. */
async function fleetWith(hook: string, trouble: (store: Store) => Partial<Store>) {
  const world = virtualWorld();
  const folder = tempFolder();
  const seen: Seen = { restores: [], reached: () => {} };
  const name = `seen${folder}`;
  Object.assign(globalThis, { [name]: seen });
  const modules = {
    'hook.mjs': `export default () => { ${hook} };`,
    'restore.mjs': `export default (facts, { signal }) => new Promise(() => {
      const seen = globalThis[${JSON.stringify(name)}];
      seen.restores.push('began');
      signal.addEventListener('abort', () => seen.restores.push(signal.reason.name));
      seen.reached();
    });`,
  };
  for (const [file, text] of Object.entries(modules)) {
    writeFileSync(`${folder}/${file}`, text.replaceAll('SEEN', `globalThis[${JSON.stringify(name)}]`));
  }
  const store = createMemoryStore(world.clock);
  const migration = {
    baseline: '4.13.0',
    hook: { module: 'hook.mjs' },
    restore: { module: 'restore.mjs' },
  };
  const fleet = await startFleet(world, {
    servers: [{ version: '4.16.0' }],
    store: { ...store, ...trouble(store) },
    folder,
    migration,
  });
  return { world, fleet, store, seen };
}

test('its claim is lost while it restores: it is stopped, before another gate may begin', async () => {
  let lost = false;
  const { world, fleet, store, seen } = await fleetWith('throw new Error("no space left");', (under) => ({
    renew: async (...args) => !lost && under.renew(...args),
  }));
  await using _stopped = fleet;
  const began = new Promise<void>((resolve) => {
    seen.reached = resolve;
  });
  const client = fleet.connect('4.14.0').catch(({ code }) => code);
  await world.finish(began);
  lost = true;
  // Less than a lease: nobody took over yet.
  await world.clock.run(10_000);
  expect(seen.restores).toEqual(['began', 'ClaimLost']);
  expect((await store.history('main')).map(({ what }) => what)).toEqual(['planned', 'running']);
  expect(fleet.log.of('migration', { what: 'lost' })).toHaveLength(1);
  fleet.gate.stop(0).catch(() => {});
  await world.finish(client);
});

test('the hook went well and its record can not be written: that is no failure, and nothing is restored', async () => {
  let full = false;
  const { world, fleet, store, seen } = await fleetWith('SEEN.reached();', (under) => ({
    async swap(...args) {
      if (full) throw new LedgerUnavailable('the disk is full');
      return under.swap(...args);
    },
  }));
  await using _stopped = fleet;
  seen.reached = () => {
    full = true;
  };
  const client = fleet.connect('4.14.0');
  await world.clock.run(20_000);
  expect(full).toBe(true);
  expect(fleet.log.of('migration', { what: 'lost' })).toMatchObject([
    { error: expect.stringMatching(/the disk is full/) },
  ]);
  full = false;
  seen.reached = () => {};
  const session = await world.finish(client);
  expect(seen.restores).toEqual([]);
  const history = await store.history('main');
  checkHistory(history);
  expect(history.map(({ what }) => what)).not.toContain('failed');
  expect(history.filter(({ what }) => what === 'done')).toHaveLength(1);
  session.destroy();
});
