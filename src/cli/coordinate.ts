/** Has a gate take part in its cluster, where the ledger's store is one that other processes can reach. */

import { hashCatalogue } from '../config/policy.ts';
import type { Config } from '../config/schema.ts';
import { Coordination } from '../coordination/coordination.ts';
import type { buildGate } from '../gateway/build.ts';
import type { Gate } from '../gateway/gate.ts';
import { sessionsByLine } from '../gateway/sessions-by-line.ts';
import { openStore, parseLedgerAddress } from '../migration/ledger/registry.ts';
import { pause } from '../ports/clock.ts';
import { realRuntime } from '../runtime/real.ts';
import { programVersion } from './package-version.ts';

/** ms that the store gets to take back what a gate announced. */
const WITHDRAW_MS = 1_000;

/** What is said of a gate to the others. */
export interface Member {
  readonly config: Config;
  /** Where relative paths of the config start. */
  readonly folder: string;
  readonly built: Pick<ReturnType<typeof buildGate>, 'gate' | 'settings' | 'identity'>;
  /** Where its admin listener is reached, as a URL; null: it has none. Asked each time. */
  readonly admin: () => string | null;
}

/** The gate's part in its cluster, which is not started yet; null: it shares nothing with anybody. */
export function coordinate({ config, folder, built, admin }: Member): Coordination | null {
  const { ledger } = config.migration;
  if (!config.coordination || parseLedgerAddress(ledger).kind.shared === 'process') return null;
  const { gate, settings, identity } = built;
  const { clock, random } = realRuntime;
  const store = openStore(ledger, { folder, clock });
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
      state: gate.lifecycle.state,
      sessions: sessionsByLine(gate),
    }),
    close: () => store.close(),
  });
  tellOfChanges(gate, coordination);
  return coordination;
}

/** Ends it. A store that does not answer keeps nobody from ending: what can't be taken back lapses. */
export async function withdraw(coordination: Coordination | null): Promise<void> {
  const over = new AbortController();
  await Promise.race([coordination?.stop(), pause(realRuntime.clock, WITHDRAW_MS, over.signal)]);
  over.abort();
}

/** The others hear at once that it serves, is paused or drains. */
function tellOfChanges({ lifecycle }: Gate, coordination: Coordination): void {
  const tell = () => {
    lifecycle.changes.tell(tell);
    void coordination.announce();
  };
  lifecycle.changes.tell(tell);
}
