/**
 * A store in etcd, for gates on many machines. Leases are etcd's own: a token is alive while a key that hangs
 * on its lease exists, which etcd alone decides. Record and lease keys share a prefix, so that one range read
 * sees both at the same revision.
 */
import { parseHostPort } from '../../transport/address.ts';
import { CALL_TIMEOUT, decode, EtcdError, EtcdGateway, encode, keysUnder } from './etcd-gateway.ts';
import type { LedgerKind } from './kind.ts';
import type { HistoryEntry } from './record.ts';
import { LedgerUnavailable, type Snapshot, type Store, type Swap } from './store.ts';

/** gRPC's NOT_FOUND: of a lease, that it lapsed. */
const NOT_FOUND = 5;

export interface EtcdStoreOptions {
  /** `HOST:PORT` of the members. */
  readonly hosts: readonly string[];
  /** What the keys begin with. */
  readonly prefix?: string;
}

/** A store in etcd, reached through any of its members. */
export class EtcdStore implements Store {
  readonly url: string;
  readonly #etcd: EtcdGateway;
  readonly #prefix: string;
  /** Ids of etcd's leases, by our keys. */
  readonly #leases = new Map<string, string>();

  constructor({ hosts, prefix = '/skewgate/' }: EtcdStoreOptions) {
    this.url = `etcd://${hosts.join(',')}`;
    this.#etcd = new EtcdGateway(hosts);
    this.#prefix = prefix;
  }

  read(cluster: string): Promise<Snapshot> {
    return this.#guard(async () => {
      const { kvs = [], header, time } = await this.#etcd.call('kv/range', keysUnder(this.#stateOf(cluster)));
      const byKey = new Map(kvs.map((kv) => [decode(kv.key), kv]));
      const record = byKey.get(this.#recordOf(cluster));
      const prefix = this.#leaseOf(cluster, '');
      const tokens = [...byKey.keys()].filter((key) => key.startsWith(prefix));
      return {
        // etcd's own revision orders the history: it goes on growing where a record was lost. After a loss of everything
        // it begins anew, with the history.
        revision: `${record?.mod_revision ?? '0'}@${header?.revision ?? '0'}`,
        text: record === undefined ? null : decode(record.value),
        alive: new Set(tokens.map((key) => Number(key.slice(prefix.length)))),
        ...(time !== undefined && { time }),
      };
    });
  }

  swap(cluster: string, swap: Swap): Promise<boolean> {
    return this.#guard(async () => {
      if (swap.grant !== undefined) return this.#swapWithLease(cluster, swap, swap.grant);
      const done = await this.#transact(cluster, swap, null);
      if (done && swap.drop !== undefined) this.#forget(this.#leaseOf(cluster, swap.drop));
      return done;
    });
  }

  renew(cluster: string, token: number, ms: number): Promise<boolean> {
    return this.#guard(async () => {
      const key = this.#leaseOf(cluster, token);
      const ID = this.#leases.get(key);
      if (ID === undefined) return false;
      const { TTL = '0' } = await this.#etcd.call('lease/keepalive', { ID }, Math.min(CALL_TIMEOUT, ms / 2));
      if (Number(TTL) > 0) return true;
      this.#leases.delete(key);
      return false;
    });
  }

  history(cluster: string): Promise<HistoryEntry[]> {
    return this.#guard(async () => {
      const { kvs = [] } = await this.#etcd.call('kv/range', {
        ...keysUnder(this.#historyOf(cluster)),
        sort_target: 'KEY',
        sort_order: 'ASCEND',
      });
      return kvs.map(({ value }) => JSON.parse(decode(value)) as HistoryEntry);
    });
  }

  watch(cluster: string, changed: () => void): () => void {
    return this.#etcd.watch(this.#recordOf(cluster), changed);
  }

  async close(): Promise<void> {
    this.#etcd.close();
  }

  async #swapWithLease(
    cluster: string,
    swap: Swap,
    { token, ms }: NonNullable<Swap['grant']>,
  ): Promise<boolean> {
    const { ID } = await this.#etcd.call('lease/grant', { TTL: String(Math.ceil(ms / 1_000)) });
    if (ID === undefined) throw new Error('etcd granted a lease without an id');
    let done = false;
    try {
      done = await this.#transact(cluster, swap, ID);
      if (done) this.#leases.set(this.#leaseOf(cluster, token), ID);
      return done;
    } catch (error) {
      // The lease lapsed before it was of use: this process was held up.
      if (error instanceof EtcdError && error.code === NOT_FOUND) return false;
      throw error;
    } finally {
      // Also where no answer came: nobody is going to renew it.
      if (!done) this.#revoke(ID);
    }
  }

  /** @param lease etcd's id of the lease that the swap grants. */
  async #transact(cluster: string, swap: Swap, lease: string | null): Promise<boolean> {
    const written = this.#written(cluster, swap);
    const [first] = written as [(typeof written)[number]];
    const { grant, drop } = swap;
    const { succeeded = false, responses = [] } = await this.#etcd.call('kv/txn', {
      compare: this.#conditions(cluster, swap),
      success: [
        ...written.map((put) => ({ request_put: put })),
        ...(grant && lease !== null
          ? [{ request_put: { key: encode(this.#leaseOf(cluster, grant.token)), value: '', lease } }]
          : []),
        ...(drop === undefined
          ? []
          : [{ request_delete_range: { key: encode(this.#leaseOf(cluster, drop)) } }]),
      ],
      failure: [{ request_range: { key: first.key } }],
    });
    if (succeeded) return true;
    // Where a first try's answer was lost, it may have been that one which the second came too late for: then its line
    // of history is there. The record alone does not say: it may have been changed since, or be the same as before.
    return responses[0]?.response_range?.kvs?.[0]?.value === first.value;
  }

  #conditions(cluster: string, { expect, guard, vacant }: Swap): object[] {
    const exists = (token: number, result: 'EQUAL' | 'NOT_EQUAL') => ({
      key: encode(this.#leaseOf(cluster, token)),
      target: 'CREATE',
      result,
      create_revision: '0',
    });
    return [
      {
        key: encode(this.#recordOf(cluster)),
        target: 'MOD',
        result: 'EQUAL',
        mod_revision: revisionsIn(expect).ofRecord,
      },
      ...(guard === undefined ? [] : [exists(guard, 'NOT_EQUAL')]),
      ...(vacant === undefined ? [] : [exists(vacant, 'EQUAL')]),
    ];
  }

  /** What a swap puts: the lines of history, then the record. */
  #written(
    cluster: string,
    { expect, history, text }: Swap,
  ): { readonly key: string; readonly value: string }[] {
    const place = revisionsIn(expect).ofStore.padStart(16, '0');
    const lines = history.map((entry, at) => [
      `${this.#historyOf(cluster)}${place}-${String(at).padStart(3, '0')}`,
      JSON.stringify(entry),
    ]);
    return [...lines, [this.#recordOf(cluster), text]].map(([key, value]) => ({
      key: encode(key as string),
      value: encode(value as string),
    }));
  }

  #forget(key: string): void {
    const id = this.#leases.get(key);
    this.#leases.delete(key);
    if (id !== undefined) this.#revoke(id);
  }

  /** What could not be revoked lapses. */
  #revoke(ID: string): void {
    this.#etcd.call('lease/revoke', { ID }).catch(() => {});
  }

  /** Encoded: a name with a slash in it would reach into the keys of another cluster. */
  #rootOf(cluster: string): string {
    return `${this.#prefix}${encodeURIComponent(cluster)}`;
  }

  #stateOf(cluster: string): string {
    return `${this.#rootOf(cluster)}/state/`;
  }

  #recordOf(cluster: string): string {
    return `${this.#stateOf(cluster)}record`;
  }

  #leaseOf(cluster: string, token: number | ''): string {
    return `${this.#stateOf(cluster)}lease/${token}`;
  }

  #historyOf(cluster: string): string {
    return `${this.#rootOf(cluster)}/history/`;
  }

  async #guard<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw new LedgerUnavailable(`${this.url}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** `etcd://HOST:PORT,HOST:PORT`: of gates on many machines. */
export const ETCD: LedgerKind = {
  scheme: 'etcd',
  usage: 'etcd://HOST:PORT,HOST:PORT',
  shared: 'network',
  parse: (rest) => ({ hosts: hostsIn(rest), file: null }),
  open: (rest) => new EtcdStore({ hosts: hostsIn(rest) }),
};

/** Of the record, and of all of etcd, when the record was read. */
function revisionsIn(expect: string): { readonly ofRecord: string; readonly ofStore: string } {
  const [ofRecord = '0', ofStore = '0'] = expect.split('@');
  return { ofRecord, ofStore };
}

function hostsIn(rest: string): string[] {
  if (!rest.startsWith('//')) throw new Error(`${JSON.stringify(`etcd:${rest}`)} is not ${ETCD.usage}`);
  const hosts = rest.slice(2).split(',');
  for (const host of hosts) parseHostPort(host);
  return hosts;
}
