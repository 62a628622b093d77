/** Where ledgers of the contract keep their data: in memory and SQLite on virtual time, in etcd on real time. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EtcdStore } from '../../../src/migration/ledger/etcd.ts';
import { decode, EtcdGateway, keysUnder } from '../../../src/migration/ledger/etcd-gateway.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { SqliteStore } from '../../../src/migration/ledger/sqlite.ts';
import { type Store, wrapStore } from '../../../src/migration/ledger/store.ts';
import { pause } from '../../../src/ports/clock.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { VirtualClock } from '../../../src/runtime/virtual-clock.ts';
import type { Etcd } from '../../support/etcd.ts';
import type { StoreFixture } from './contract-harness.ts';

const VIRTUAL_LEASE = 15_000;
/** No busy machine outlives it. */
const ETCD_LEASE = 60_000;
/** Renewed every quarter of it. */
const ETCD_SHORT = 4_000;
const DEADLINE = 15_000;

export function memoryFixture(): StoreFixture {
  const clock = new VirtualClock();
  const store = new MemoryStore(clock);
  const clusters = new Set<string>();
  const noting: Store = wrapStore(store, {
    swap(cluster, swap) {
      clusters.add(cluster);
      return store.swap(cluster, swap);
    },
  });
  return {
    ...onVirtualTime(clock, () => noting),
    async fingerprint() {
      const rows = [...clusters].map(async (cluster) => {
        const { revision, text } = await store.read(cluster);
        return [cluster, revision, text, await store.history(cluster)];
      });
      return JSON.stringify(await Promise.all(rows));
    },
    async [Symbol.asyncDispose]() {},
  };
}

export function sqliteFixture(): StoreFixture & { readonly file: string; readonly clock: VirtualClock } {
  const clock = new VirtualClock();
  const folder = mkdtempSync(path.join(tmpdir(), 'skewgate-ledger-'));
  const file = path.join(folder, 'not', 'yet', 'there', 'ledger.db');
  return {
    ...onVirtualTime(clock, () => new SqliteStore({ file, clock, uptime: () => clock.now() })),
    clock,
    file,
    fingerprint: async () => fingerprintOf(file),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Of a database: the file itself and what is not in it yet. An empty log beside it holds nothing. */
export function fingerprintOf(file: string): string {
  const [itself, log] = [file, `${file}-wal`].map((name) =>
    existsSync(name) && (name === file || statSync(name).size > 0)
      ? createHash('sha256').update(readFileSync(name)).digest('hex')
      : 'nothing',
  );
  return `${itself} ${log}`;
}

function onVirtualTime(clock: VirtualClock, open: () => Store) {
  const lease = VIRTUAL_LEASE;
  return {
    clock,
    lease,
    short: lease,
    open,
    almostLapse: () => clock.run(lease - 1),
    lapse: (_cluster: string, _token: number) => clock.run(lease),
    async outlive(_cluster: string, _token: number, meanwhile: () => Promise<unknown> = async () => {}) {
      for (let part = 0; part < 4; part++) {
        await meanwhile();
        await clock.run(lease / 4);
      }
    },
    finish: <T>(promise: Promise<T>) => clock.until(promise),
    plant: (cluster: string, text: string) => plant(open(), cluster, text),
  };
}

let places = 0;

export function etcdFixture({ hosts }: Pick<Etcd, 'hosts'>): StoreFixture {
  const prefix = `/place-${++places}/`;
  const client = new EtcdGateway(hosts);
  const keys = async (under: string) => (await client.call('kv/range', keysUnder(under))).kvs ?? [];
  const open = () => new EtcdStore({ hosts, prefix });
  return {
    clock: realClock,
    lease: ETCD_LEASE,
    short: ETCD_SHORT,
    open,
    async almostLapse() {},
    async lapse(cluster, token) {
      for (const { lease } of await keys(`${prefix}${cluster}/state/lease/${token}`))
        await client.call('lease/revoke', { ID: lease });
    },
    async outlive(cluster, token, meanwhile = async () => {}) {
      const store = open();
      const gone = new AbortController();
      const stop = client.watch(`${prefix}${cluster}/state/lease/${token}`, () => void look());
      const late = AbortSignal.timeout(DEADLINE);
      async function look() {
        if (!(await store.read(cluster)).alive.has(token)) gone.abort();
      }
      await look();
      while (!gone.signal.aborted) {
        if (late.aborted) throw new Error(`the lease of token ${token} does not end`);
        await meanwhile();
        await pause(realClock, ETCD_SHORT / 4, gone.signal);
      }
      stop();
      await store.close();
    },
    finish: (promise) => promise,
    plant: (cluster, text) => plant(open(), cluster, text),
    async fingerprint() {
      // Keys of leases are left out: they go when the lease does, whoever reads.
      const written = (await keys(prefix)).filter(({ key }) => !decode(key).includes('/lease/'));
      return JSON.stringify(written.map(({ key, mod_revision }) => [decode(key), mod_revision]));
    },
    async [Symbol.asyncDispose]() {
      await client.call('kv/deleterange', keysUnder(prefix));
      client.close();
    },
  };
}

async function plant(store: Store, cluster: string, text: string): Promise<void> {
  const { revision } = await store.read(cluster);
  await store.swap(cluster, { expect: revision, text, history: [] });
  if (store.url !== 'memory:') await store.close();
}
