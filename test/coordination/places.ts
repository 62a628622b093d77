/** Where gates of a test meet: a store of each kind, with time that passes as fast as the test wants it to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, onTestFinished } from 'vitest';
import { LedgerUnavailable, type Store, wrapStore } from '../../src/migration/ledger/store.ts';
import type { Changes } from '../../src/ports/changes.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { realClock } from '../../src/runtime/clock.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { etcdFixture, memoryFixture, sqliteFixture } from '../migration/ledger/store-fixtures.ts';
import { NO_ETCD, sharedEtcd } from '../support/etcd.ts';
import { until } from '../support/until.ts';

/** etcd's time can't be made to pass: the gates' own goes this much faster. */
const HURRY = 5;

export interface Place {
  /** Whether the store has a clock of its own; otherwise all gates are on one machine. */
  readonly tellsTime: boolean;
  readonly clock: Clock;
  /** A store object of one process. */
  open(): Store;
  /** Lets time pass by the gates' clock. */
  pass(ms: number): Promise<void>;
  /** Lets as much time pass as `promise` needs. */
  finish<T>(promise: Promise<T>): Promise<T>;
  /** Lets time pass until `condition` holds, which is looked at after each change. */
  until(changes: Changes, condition: () => boolean, what: string): Promise<void>;
  /** Writes as some other program might have. */
  plant(name: string, text: string): Promise<void>;
}

const fast: Clock = {
  now: () => realClock.now(),
  monotonic: () => realClock.monotonic() * HURRY,
  after: (ms, act) => realClock.after(ms / HURRY, act),
};

type Fixture = ReturnType<typeof memoryFixture>;

function placeOf(fixture: Fixture, tellsTime = true): Place {
  onTestFinished(() => fixture[Symbol.asyncDispose]());
  const { clock } = fixture;
  const stores: Store[] = [];
  onTestFinished(async () => {
    for (const store of stores) await store.close();
  });
  const isVirtual = clock instanceof VirtualClock;
  return {
    tellsTime,
    clock: isVirtual ? clock : fast,
    open() {
      const store = fixture.open();
      stores.push(store);
      return store;
    },
    pass: (ms) => (isVirtual ? clock.run(ms) : sleep(ms / HURRY)),
    finish: (promise) => (isVirtual ? clock.until(promise) : promise),
    async until(changes, condition, what) {
      if (!isVirtual) return until(changes, condition, what, 15_000);
      for (let waited = 0; !condition(); waited += 50) {
        if (waited > 120_000) throw new Error(`not within two minutes: ${what}`);
        await clock.run(50);
      }
    },
    plant: (name, text) => fixture.plant(name, text),
  };
}

/** Gates of one process, on virtual time. */
export function memoryPlace(): Place {
  return placeOf(memoryFixture());
}

/** Runs `rules` with a place of each kind of store that can be had on virtual time. */
export function atVirtualStores(rules: (newPlace: () => Place) => void): void {
  describe('memory', () => rules(() => placeOf(memoryFixture())));
  describe('SQLite', () => rules(() => placeOf(sqliteFixture(), false)));
}

/** Runs `rules` with a place of each kind of store. */
export function atEveryStore(rules: (newPlace: () => Place) => void): void {
  atVirtualStores(rules);
  atEtcd(rules);
}

/** Runs `rules` with a place in a real etcd, on time that may pass slowly. */
export function atEtcd(rules: (newPlace: () => Place) => void): void {
  describe.skipIf(NO_ETCD !== null)('etcd', () => {
    const etcd = sharedEtcd();
    rules(() => placeOf(etcdFixture(etcd())));
  });
}

/** A store that can be cut off from one gate, or be one that it may only read. */
export function cuttable(store: Store): { readonly store: Store; cut: boolean; readOnly: boolean } {
  const state = { cut: false, readOnly: false };
  const check = () => {
    if (state.cut) throw new LedgerUnavailable('the cable is out');
  };
  const over: Partial<Store> = {
    async read(cluster) {
      check();
      const snapshot = await store.read(cluster);
      check();
      return snapshot;
    },
    async swap(cluster, swap) {
      check();
      if (state.readOnly) throw new LedgerUnavailable('only to be read');
      return store.swap(cluster, swap);
    },
    async renew(cluster, token, ms) {
      check();
      if (state.readOnly) throw new LedgerUnavailable('only to be read');
      return store.renew(cluster, token, ms);
    },
    watch: (cluster, changed) =>
      store.watch(cluster, () => {
        if (!state.cut) changed();
      }),
  };
  return Object.assign(state, { store: wrapStore(store, over) });
}
