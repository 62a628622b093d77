/** What a heartbeat finds unchanged costs no second look: the same record is the same object, a written one is another. */
import { expect, test } from 'vitest';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { wrapStore } from '../../../src/migration/ledger/store.ts';
import { VirtualClock } from '../../../src/runtime/virtual-clock.ts';

const who = { by: 'operator', reason: 'maintenance' };

test('a record that nobody wrote since is not read anew; one that was written is', async () => {
  const clock = new VirtualClock();
  const store = new MemoryStore(clock);
  const [ours, theirs] = [new Ledger(store, 'main', clock), new Ledger(store, 'main', clock)];
  await theirs.block(who, null);
  const first = await ours.read();
  expect((await ours.read()).record).toBe(first.record);
  await theirs.unblock(who);
  const second = await ours.read();
  expect(second.record).not.toBe(first.record);
  expect([first.record.block?.by, second.record.block]).toEqual(['operator', null]);
});

test('a record that is damaged after it was read is no longer taken for the one before', async () => {
  const clock = new VirtualClock();
  const store = new MemoryStore(clock);
  let damaged = false;
  const spoilt = wrapStore(store, {
    async read(cluster) {
      const snapshot = await store.read(cluster);
      return damaged ? { ...snapshot, text: `${snapshot.text}}` } : snapshot;
    },
  });
  const ledger = new Ledger(spoilt, 'main', clock);
  await ledger.block(who, null);
  expect((await ledger.read()).record.block?.by).toBe('operator');
  damaged = true;
  await expect(ledger.read()).rejects.toThrow(/damaged: it is not JSON/);
  damaged = false;
  expect((await ledger.read()).record.block?.by).toBe('operator');
});
