/** Has a gate take part in its cluster, where the ledger's store is one that other processes can reach. */

import { hashCatalogue, hashOf } from '../config/policy.ts';
import type { Config } from '../config/schema.ts';
import { Coordination } from '../coordination/coordination.ts';
import type { BuiltGate } from '../gateway/build.ts';
import { sessionsByLine } from '../gateway/sessions-by-line.ts';
import { openStore, parseLedgerAddress } from '../migration/ledger/registry.ts';
import type { Store } from '../migration/ledger/store.ts';
import type { Changes } from '../ports/changes.ts';
import { pause } from '../ports/clock.ts';
import { realRuntime } from '../runtime/real.ts';
import { programVersion } from './package-version.ts';

/** ms that the store gets to take back what a gate announced. */
const WITHDRAW_MS = 1_000;

const OUT =
  'coordination: the store is out of reach; this gate goes on with the orders and the gates that it knew, and probes by itself';
const BACK = 'coordination: the store is back';

/** What is said of a gate to the others. */
export interface Member {
  readonly built: BuiltGate;
  /** Of the ledger; null: the gate shares nothing. It is closed with the gate's part. */
  readonly store: Store | null;
  /** Whether it may probe for all from the start. */
  readonly isProber: boolean;
  /** Where its admin listener is reached, as a URL; null: it has none. Asked each time. */
  readonly admin: () => string | null;
  /** One line for the operator. */
  readonly say: (line: string) => void;
}

/** Whether a gate of this config shares anything with others. */
function isCoordinated({ coordination, migration }: Config): boolean {
  return coordination && parseLedgerAddress(migration.ledger).kind.shared !== 'process';
}

/**
 * The store that the gate and its part in the cluster go by; null: it shares nothing. It is one, since SQLite shares
 * what it knows of a file among all that a process has open of it: neither could see that a file can be written again.
 * @param folder where relative paths of the config start
 */
export function sharedStore(config: Config, folder: string): Store | null {
  return isCoordinated(config)
    ? openStore(config.migration.ledger, { folder, clock: realRuntime.clock })
    : null;
}

/** The gate's part in its cluster, which is not started yet; null: it shares nothing with anybody. */
export function coordinate({ built, store, isProber, admin, say }: Member): Coordination | null {
  if (store === null) return null;
  const { gate, cluster, settings, identity } = built;
  const { clock, random } = realRuntime;
  const startedAt = clock.now();
  const program = programVersion();
  const coordination = new Coordination({
    id: identity.gate,
    store,
    cluster: identity.cluster,
    clock,
    random,
    describe: () => ({
      admin: admin(),
      program,
      policyHash: settings.policyHash,
      catalogueHash: hashCatalogue(settings.policy),
      startedAt,
      state: gate.status().state,
      sessions: sessionsByLine(gate),
    }),
    orders: gate.orders,
    outOfReach: (why) => say(why === null ? BACK : `${OUT}: ${why}`),
    probes: cluster.probes,
    hear: (finding, isTold) => cluster.hear(finding, isTold),
    isProber,
    fingerprints: fingerprintsOf(() => built.reconfiguration.config.servers),
    times: () => settings.times,
    close: () => store.close(),
  });
  gate.operations.shareThrough(coordination);
  tellOfChanges([gate.lifecycle.changes, gate.orders.changes, settings.changes], coordination);
  return coordination;
}

/** Ends it. A store that does not answer keeps nobody from ending: what can't be taken back lapses. */
export async function withdraw(coordination: Coordination | null): Promise<void> {
  const over = new AbortController();
  await Promise.race([coordination?.stop(), pause(realRuntime.clock, WITHDRAW_MS, over.signal)]);
  over.abort();
}

/** The others hear at once that it serves, is paused or drains, or has another policy. */
function tellOfChanges(sources: readonly Changes[], coordination: Coordination): void {
  for (const changes of sources) {
    const tell = () => {
      changes.tell(tell);
      void coordination.announce();
    };
    changes.tell(tell);
  }
}

/** What the config says of each server but for what is this gate's own affair, for as long as it is the same config. */
function fingerprintsOf(servers: () => Config['servers']): () => ReadonlyMap<string, string> {
  let last: { readonly servers: Config['servers']; readonly map: ReadonlyMap<string, string> } | null = null;
  return () => {
    const now = servers();
    if (last?.servers !== now)
      last = { servers: now, map: new Map(now.map(({ warm: _, ...stated }) => [stated.id, hashOf(stated)])) };
    return last.map;
  };
}
