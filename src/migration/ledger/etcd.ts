/**
 * A store in etcd, for gates on many machines. Leases are etcd's own: a token is alive while a key that hangs
 * on its lease exists, which etcd alone decides. Record and lease keys share a prefix, so that one range read
 * sees both at the same revision.
 */
import type { Etcd3, IOptions, Lease } from 'etcd3';
import type { HistoryEntry } from './record.ts';
import { LedgerUnavailable, type Store, type Swap } from './store.ts';

/** For one request, ms, whichever members it is tried at. */
const CALL_TIMEOUT = 3_000;

/** Bytes: years of history, which is read whole. */
const MAX_ANSWER = 64 * 1_048_576;

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

export interface EtcdStoreOptions {
  /** `HOST:PORT` of the members. */
  readonly hosts: readonly string[];
  /** What the keys begin with. */
  readonly prefix?: string;
}

export function createEtcdStore({ hosts, prefix = '/skewgate/' }: EtcdStoreOptions): Store {
  const url = `etcd://${hosts.join(',')}`;
  let connected: Promise<Etcd3> | null = null;
  const tryTimeout = CALL_TIMEOUT / hosts.length;
  /** Loaded on first use: most commands and gates have no etcd. */
  const connect = () => {
    connected ??= import('etcd3').then(
      ({ Etcd3, isRecoverableError }) =>
        new Etcd3({
          hosts: hosts.map((host) => `http://${host}`),
          defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + tryTimeout }),
          // Each member is tried once, and at once: what etcd3 does by itself hides for seconds that etcd is out
          // of reach, and then that it is back.
          faultHandling: { host: () => tried(1), global: tried(hosts.length, isRecoverableError) },
          // Nor is a connection that could not be made a reason to wait before the next one.
          grpcOptions: { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': MAX_ANSWER },
        }),
    );
    return connected;
  };
  /** By their keys. */
  const leases = new Map<string, Lease>();
  /** etcd's revision at the latest read: it orders the history, and goes on growing where a record was lost. */
  let latest = 0;
  /** Encoded: a name with a slash in it would reach into the keys of another cluster. */
  const rootOf = (cluster: string) => `${prefix}${encodeURIComponent(cluster)}`;
  const stateOf = (cluster: string) => `${rootOf(cluster)}/state/`;
  const recordOf = (cluster: string) => `${stateOf(cluster)}record`;
  const leaseOf = (cluster: string, token: number) => `${stateOf(cluster)}lease/${token}`;
  const historyOf = (cluster: string) => `${rootOf(cluster)}/history/`;
  const guarded = async <T>(act: (client: Etcd3) => Promise<T>): Promise<T> => {
    try {
      return await act(await connect());
    } catch (error) {
      throw new LedgerUnavailable(`${url}: ${(error as Error).message}`, { cause: error });
    }
  };

  /** The transaction of a swap. */
  const transact = async (
    client: Etcd3,
    cluster: string,
    swap: Swap,
    leaseId: string | null,
  ): Promise<boolean> => {
    const record = recordOf(cluster);
    let transaction = client.if(record, 'Mod', '==', swap.expect);
    if (swap.guard !== undefined)
      transaction = transaction.and(leaseOf(cluster, swap.guard), 'Create', '!=', 0);
    if (swap.vacant !== undefined)
      transaction = transaction.and(leaseOf(cluster, swap.vacant), 'Create', '==', 0);
    const place = String(latest).padStart(16, '0');
    const written = [
      ...swap.history.map((entry, at) => ({
        key: `${historyOf(cluster)}${place}-${String(at).padStart(3, '0')}`,
        value: JSON.stringify(entry),
      })),
      { key: record, value: swap.text },
    ];
    const operations = [
      ...written.map(({ key, value }) => client.put(key).value(value)),
      ...(swap.grant && leaseId !== null
        ? [client.put(leaseOf(cluster, swap.grant.token)).value('').lease(leaseId)]
        : []),
      ...(swap.drop === undefined ? [] : [client.delete().key(leaseOf(cluster, swap.drop))]),
    ];
    const { succeeded } = await transaction.then(...operations).commit();
    if (succeeded) return true;
    // Where a first try's answer was lost, it may have been that one which the second came too late for: then its line
    // of history is there. The record alone does not say: it may have been changed since, or be the same as before.
    const [{ key, value }] = written as [(typeof written)[number]];
    return (await client.get(key).string()) === value;
  };

  return {
    url,
    read: (cluster) =>
      guarded(async (client) => {
        const { kvs, header } = await client.getAll().prefix(stateOf(cluster)).exec();
        latest = Math.max(latest, Number(header.revision));
        const record = kvs.find(({ key }) => key.toString() === recordOf(cluster));
        const leasePrefix = leaseOf(cluster, 0).slice(0, -1);
        const alive = new Set(
          kvs
            .map(({ key }) => key.toString())
            .filter((key) => key.startsWith(leasePrefix))
            .map((key) => Number(key.slice(leasePrefix.length))),
        );
        return {
          revision: record?.mod_revision ?? '0',
          text: record?.value.toString() ?? null,
          alive,
        };
      }),
    swap: (cluster, swap) =>
      guarded(async (client) => {
        if (swap.grant === undefined) {
          const done = await transact(client, cluster, swap, null);
          if (done && swap.drop !== undefined) forget(leaseOf(cluster, swap.drop));
          return done;
        }
        const { token, ms } = swap.grant;
        const lease = client.lease(Math.ceil(ms / 1_000), { autoKeepAlive: false });
        lease.on('lost', () => {});
        let done = false;
        try {
          done = await transact(client, cluster, swap, await lease.grant());
          if (done) leases.set(leaseOf(cluster, token), lease);
          return done;
        } catch (error) {
          // It lapsed before it was of use: this process was held up.
          if (await isInvalidLease(error)) return false;
          throw error;
        } finally {
          // Also where no answer came: nobody is going to renew it.
          if (!done) lease.revoke().catch(() => {});
        }
      }),
    renew: (cluster, token, ms) =>
      guarded(async () => {
        const key = leaseOf(cluster, token);
        const lease = leases.get(key);
        if (lease === undefined || lease.revoked()) return false;
        try {
          // The answer comes on a stream, which has no deadline of its own.
          const { TTL } = await lease.keepaliveOnce({
            deadline: Date.now() + Math.min(tryTimeout, ms / 2),
          });
          if (Number(TTL) > 0) return true;
        } catch (error) {
          if (!(await isInvalidLease(error))) throw error;
        }
        leases.delete(key);
        return false;
      }),
    history: (cluster) =>
      guarded(async (client) => {
        const { kvs } = await client.getAll().prefix(historyOf(cluster)).sort('Key', 'Ascend').exec();
        return kvs.map(({ value }) => JSON.parse(value.toString()) as HistoryEntry);
      }),
    watch(cluster, changed) {
      let stop = () => {};
      let stopped = false;
      connect()
        .then((client) => client.watch().key(recordOf(cluster)).create())
        .then(
          (watcher) => {
            watcher.on('data', changed).on('error', () => {});
            stop = () => void watcher.cancel().catch(() => {});
            if (stopped) stop();
            // What changed until the watch was set up.
            else changed();
          },
          // Gates read the record at intervals as well: without a watch they only hear of changes later.
          () => {},
        );
      return () => {
        stopped = true;
        stop();
      };
    },
    async close() {
      (await connected)?.close();
    },
  };

  function forget(key: string): void {
    leases
      .get(key)
      ?.revoke()
      .catch(() => {});
    leases.delete(key);
  }
}

async function isInvalidLease(error: unknown): Promise<boolean> {
  const { EtcdLeaseInvalidError } = await import('etcd3');
  return error instanceof EtcdLeaseInvalidError;
}

/** Up to so many tries, the next one at another member. */
function tried(times: number, isWorthwhile: (error: Error) => boolean = () => false): Policy {
  const nothing = () => ({ dispose: () => {} });
  return {
    _altReturn: undefined as never,
    onSuccess: nothing,
    onFailure: nothing,
    async execute(act, signal = new AbortController().signal) {
      for (let left = times - 1; ; left--) {
        try {
          return await act({ signal });
        } catch (error) {
          if (left === 0 || !isWorthwhile(error as Error)) throw error;
        }
      }
    },
  };
}
