/**
 * Faults that can be planted in a fleet to check that `explore` and the invariants notice them. Only the key `fault` of
 * a fleet file leads here; none of this is ever part of a gate.
 */
import type { Cluster } from '../cluster/cluster.ts';
import type { Config } from '../config/schema.ts';
import type { LedgerRecord } from '../migration/ledger/record.ts';
import { type Snapshot, type Store, wrapStore } from '../migration/ledger/store.ts';
import { type Clock, pause } from '../ports/clock.ts';
import type { Tables } from '../server/tables.ts';
import { compareVersions } from '../version/version.ts';

type Times = Pick<Config, 'migration' | 'timeouts'>;

export interface Fault {
  readonly about: string;
  /** In place of the ledger's store. */
  readonly store?: (store: Store, clock: Clock, lease: number) => Store;
  /**
   * In place of the store as one gate reaches it. @param clock the gate's own @param leases when each token's lease ends,
   * by whichever clock granted it; shared by the gates of a fleet
   */
  readonly remoteStore?: (store: Store, clock: Clock, leases: Map<number, number>) => Store;
  /** In place of the system tables. */
  readonly tables?: (tables: Tables) => Tables;
  /** In place of the policy that gates go by. */
  readonly policy?: (policy: Config['policy']) => Config['policy'];
  /** In place of the times that gates go by. */
  readonly times?: (times: Times) => Times;
  /** Spoils what a gate knows of its servers. */
  readonly cluster?: (cluster: Cluster) => void;
}

export const FAULT_NAMES = [
  'phoenix-mutex',
  'window-off-by-one',
  'newest-server-forgotten',
  'waiter-does-not-read-again',
  'lease-not-renewed',
  'leases-by-own-clock',
  'ledger-taken-as-it-is',
  'steps-not-fenced',
  'old-level-believed',
  'write-tried-for-ever',
  'rests-too-long',
  'waits-too-long',
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  'phoenix-mutex': {
    about: "the ledger locks as Phoenix's SYSTEM.MUTEX does",
    store: phoenixMutex,
    tables: withoutTokens,
  },
  'window-off-by-one': {
    about: 'gates admit clients that are one minor too old',
    policy: (policy) => ({ ...policy, window: (policy.window ?? 2) + 1 }),
  },
  'newest-server-forgotten': {
    about: 'gates leave the newest server out when they judge',
    cluster: forgetNewest,
  },
  'waiter-does-not-read-again': {
    about: 'a gate that waits for an upgrade goes by what it read when it began to wait',
    remoteStore: readOnce,
  },
  'lease-not-renewed': {
    about: 'a claim lapses while its holder is well',
    remoteStore: (store) => wrapStore(store, { renew: async () => true }),
  },
  'leases-by-own-clock': {
    about: 'each gate judges by its own clock whether a lease is alive',
    remoteStore: leasesByOwnClock,
  },
  'ledger-taken-as-it-is': {
    about: 'the doubt about a ledger that was lost is not kept',
    remoteStore: forgetDoubt,
  },
  'steps-not-fenced': {
    about: 'the system tables take the steps of any holder, whoever came after it',
    tables: withoutTokens,
  },
  'old-level-believed': {
    about: 'after a step, what servers said before its end counts as their answer',
    cluster: believeOldLevel,
  },
  'write-tried-for-ever': {
    about: 'a write to the ledger that came too late is tried again and again',
    store: tryForEver,
  },
  'rests-too-long': {
    about: 'after a failure the upgrade is tried again only after ten times as long',
    times: ({ migration, timeouts }) => {
      const { attempts, backOff } = migration.retry;
      return { migration: { ...migration, retry: { attempts, backOff: 10 * backOff } }, timeouts };
    },
  },
  'waits-too-long': {
    about: 'clients are held ten times as long as they may be',
    times: ({ migration, timeouts }) => ({
      migration: { ...migration, hold: { ...migration.hold, deadline: 10 * migration.hold.deadline } },
      timeouts: { ...timeouts, hold: 10 * timeouts.hold },
    }),
  },
};

/**
 * The lock is a row with a time to live. It has no owner, is not renewed, and anybody may delete it. The operator's
 * block is another row with the same time to live.
 */
function phoenixMutex(store: Store, clock: Clock, timeToLive: number): Store {
  let lapses = Number.NEGATIVE_INFINITY;
  const isThere = () => lapses > clock.now();
  return wrapStore(store, {
    async read(cluster) {
      const snapshot = await store.read(cluster);
      const record = snapshot.text === null ? null : (JSON.parse(snapshot.text) as LedgerRecord);
      // The row does not say whose it is: whoever the record names counts as its holder.
      const alive: Snapshot['alive'] = new Set(isThere() && record?.claim ? [record.claim.token] : []);
      if (record?.block && clock.now() - record.block.at >= timeToLive)
        return { ...snapshot, alive, text: JSON.stringify({ ...record, block: null, otherBlocks: [] }) };
      return { ...snapshot, alive };
    },
    async swap(cluster, { guard: _, vacant, grant, drop, ...swap }) {
      if (vacant !== undefined && isThere()) return false;
      if (!(await store.swap(cluster, swap))) return false;
      if (grant !== undefined) lapses = clock.now() + timeToLive;
      if (drop !== undefined) lapses = Number.NEGATIVE_INFINITY;
      return true;
    },
    renew: async () => true,
  });
}

/** Phoenix's tables have no fencing tokens. */
function withoutTokens(tables: Tables): Tables {
  return {
    get level() {
      return tables.level;
    },
    token: 0,
    ledgers: [],
    begin() {},
    complete: (_token, level) => tables.complete(0, level),
    close: () => tables.close(),
  };
}

function forgetNewest(cluster: Cluster): void {
  const all = () => Reflect.get(Object.getPrototypeOf(cluster), 'facts', cluster) as Cluster['facts'];
  Object.defineProperty(cluster, 'facts', {
    get() {
      const known = all().flatMap(({ version }) => version ?? []);
      const newest = known.toSorted(compareVersions).at(-1);
      const rest = all().filter(({ version }) => version === null || version !== newest);
      return rest.length > 0 ? rest : all();
    },
  });
}

/** For a second after the tables have risen, a gate goes by what servers said of them before. */
function believeOldLevel(cluster: Cluster): void {
  const real = () => Reflect.get(Object.getPrototypeOf(cluster), 'level', cluster) as number | null;
  let [before, last, since] = [real(), real(), cluster.now()];
  Object.defineProperty(cluster, 'level', {
    get() {
      const level = real();
      if (level !== last) [before, last, since] = [last ?? level, level, cluster.now()];
      return cluster.now() - since < 1_000 ? before : last;
    },
  });
}

/** The end of each lease is stored as a time, and every gate compares that with its own clock. */
function leasesByOwnClock(store: Store, clock: Clock, leases: Map<number, number>): Store {
  const isAlive = (token: number) => (leases.get(token) ?? Number.NEGATIVE_INFINITY) > clock.now();
  const noteLease = (token: number, ms: number) => leases.set(token, clock.now() + ms);
  return wrapStore(store, {
    async read(cluster) {
      const snapshot = await store.read(cluster);
      return { ...snapshot, alive: new Set([...leases.keys()].filter(isAlive)) };
    },
    async swap(cluster, { guard, vacant, ...swap }) {
      if (guard !== undefined && !isAlive(guard)) return false;
      if (vacant !== undefined && isAlive(vacant)) return false;
      if (!(await store.swap(cluster, swap))) return false;
      if (swap.grant !== undefined) noteLease(swap.grant.token, swap.grant.ms);
      if (swap.drop !== undefined) leases.delete(swap.drop);
      return true;
    },
    async renew(_cluster, token, ms) {
      if (!isAlive(token)) return false;
      noteLease(token, ms);
      return true;
    },
  });
}

/** What replaces a lost ledger counts as accepted. */
function forgetDoubt(store: Store): Store {
  return wrapStore(store, {
    async swap(cluster, swap) {
      const record = JSON.parse(swap.text) as LedgerRecord;
      return store.swap(cluster, { ...swap, text: JSON.stringify({ ...record, doubt: null }) });
    },
  });
}

/** A swap that lost to another is repeated as it was, although the state that it expects will never come back. */
function tryForEver(store: Store, clock: Clock): Store {
  return wrapStore(store, {
    async swap(cluster, swap) {
      while (!(await store.swap(cluster, swap))) await pause(clock, 1);
      return true;
    },
  });
}

function readOnce(store: Store): Store {
  let kept: Snapshot | null = null;
  return wrapStore(store, {
    async read(cluster) {
      if (kept !== null) return kept;
      const snapshot = await store.read(cluster);
      const record = snapshot.text === null ? null : (JSON.parse(snapshot.text) as LedgerRecord);
      if (record?.claim && snapshot.alive.size > 0) kept = snapshot;
      return snapshot;
    },
    async swap(cluster, swap) {
      kept = null;
      return store.swap(cluster, swap);
    },
  });
}
