/** A ledger that can be read and not written: full, or read-only. */
import { expect, test } from 'vitest';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { causeOf } from '../../../src/migration/ledger/sqlite-file.ts';
import { LedgerUnavailable, wrapStore } from '../../../src/migration/ledger/store.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { startFleet } from '../../support/gate.ts';

test('it is tried at growing intervals, which is said once; when it can be written again, the upgrade is done', async () => {
  const world = virtualEnvironment();
  const memory = new MemoryStore(world.clock);
  let full = true;
  let tried = 0;
  const store = wrapStore(memory, {
    async swap(...args) {
      tried++;
      if (full) throw new LedgerUnavailable('the disk is full');
      return memory.swap(...args);
    },
  });
  await using fleet = await startFleet(world, {
    servers: [{ version: '4.15.0' }],
    migration: { ledger: 'memory:', baseline: '4.13.0', hook: { command: ['true'] } },
    store,
  });
  const waits: string[] = [];
  const held = fleet.connect('4.14.0', { onWait: ({ code }) => waits.push(code) });
  held.catch(() => {});
  const before = tried;
  await world.clock.run(10_000);
  expect(tried - before).toBeGreaterThanOrEqual(3);
  expect(tried - before).toBeLessThanOrEqual(6);
  expect(waits.length).toBeLessThanOrEqual(20);
  expect(fleet.log.of('migration', { what: 'claim-failed' })).toMatchObject([{ error: 'the disk is full' }]);
  full = false;
  await world.clock.run(11_000);
  expect((await memory.history('main')).map(({ what }) => what)).toContain('planned');
});

test('a client whose time is up while it waits for it learns that it is the ledger', async () => {
  const world = virtualEnvironment();
  const memory = new MemoryStore(world.clock);
  const store = wrapStore(memory, {
    async swap() {
      throw new LedgerUnavailable('the disk is full');
    },
  });
  await using fleet = await startFleet(world, {
    servers: [{ version: '4.15.0' }],
    migration: {
      ledger: 'memory:',
      baseline: '4.13.0',
      hook: { command: ['true'] },
      hold: { deadline: '5s' },
    },
    store,
  });
  const refused = await fleet.refuse('4.14.0');
  expect(refused.code).toBe('LEDGER_UNAVAILABLE');
  expect(refused.message).toMatch(/the ledger of upgrades can't be written: the disk is full/);
});

test.each([
  [13, 'database or disk is full', /^the disk is full \(/],
  [8, 'attempt to write a readonly database', /^the file can't be written by user .+ \(/],
  [8 | (1 << 8), 'attempt to write a readonly database', /^the file can't be written by user .+ \(/],
  [1, 'no such table', /^no such table$/],
])('what an operator reads of result code %i is the cause', (errcode, message, said) => {
  expect(causeOf(Object.assign(new Error(message), { errcode }))).toMatch(said);
});
