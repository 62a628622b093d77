/** What a gate knows of its ledger is as new as it was asked to be, whatever reading is under way. */
import { expect, test } from 'vitest';
import { Ledger } from '../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../src/migration/ledger/memory.ts';
import { wrapStore } from '../../src/migration/ledger/store.ts';
import { LedgerWatch } from '../../src/migration/ledger-watch.ts';
import { virtualEnvironment } from '../support/environment.ts';

const LATENCY = 20;

/** A watch whose readings take a while: each answers what was true when it was begun. */
async function startWatch() {
  const { clock } = virtualEnvironment();
  const store = new MemoryStore(clock);
  const ledger = new Ledger(store, 'main', clock);
  let readings = 0;
  const slow = wrapStore(store, {
    read: async (cluster) => {
      readings++;
      const snapshot = await store.read(cluster);
      await new Promise<void>((resolve) => clock.after(LATENCY, resolve));
      return snapshot;
    },
    watch: () => () => {},
  });
  const watch = new LedgerWatch({
    ledger: new Ledger(slow, 'main', clock),
    cluster: { token: 0, ledgers: new Map() },
    clock,
    events: { emit: () => {} },
    react: async () => {},
    changed: () => {},
  });
  await clock.until(ledger.observe(27, null, 'another gate', (await ledger.read()).record));
  await clock.until(watch.look());
  const rise = async () => {
    await clock.until(ledger.observe(28, null, 'another gate', (await ledger.read()).record));
  };
  return { clock, watch, rise, readings: () => readings };
}

test('a reading that was begun at the moment asked for is waited for, and shared', async () => {
  const { clock, watch, rise, readings } = await startWatch();
  await clock.run(100);
  await rise();
  void watch.look();
  expect(watch.view?.record.level).toBe(27);
  await clock.until(watch.refresh(0));
  expect(watch.view?.record.level).toBe(28);
  expect(readings()).toBe(2);
});

test('a reading that was begun before it is no answer: another one is', async () => {
  const { clock, watch, rise, readings } = await startWatch();
  await clock.run(100);
  void watch.look();
  await clock.run(LATENCY / 2);
  await rise();
  await clock.until(watch.refresh(0));
  expect(watch.view?.record.level).toBe(28);
  expect(readings()).toBe(3);
});

test('what is known well enough is not read again, nor is a reading under way waited for', async () => {
  const { clock, watch, readings } = await startWatch();
  await clock.run(100);
  const reading = watch.look();
  const before = clock.monotonic();
  await watch.refresh(1_000);
  expect(clock.monotonic()).toBe(before);
  await clock.until(reading);
  await watch.refresh(1_000);
  expect(readings()).toBe(2);
});
