/** Holds the ledger against what the servers say: its level follows theirs. */
import type { Cluster } from '../cluster/cluster.ts';
import type { EventSink } from '../events/fan-out.ts';
import { serverSetOf } from '../policy/roster.ts';
import { isLoneClaim } from '../policy/rules.ts';
import { printVersion } from '../version/version.ts';
import { agreedLevel } from './agreed-level.ts';
import type { Ledger, LedgerView } from './ledger/ledger.ts';
import type { MigrationSettings } from './migration.ts';
import type { Planner } from './planner.ts';

export interface FactFollowerOptions {
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly planner: Planner;
  readonly settings: MigrationSettings;
  readonly events: EventSink;
  /** Whom the ledger names as the one who saw it. */
  readonly owner: string;
}

/** Follows the facts for one gate. */
export class FactFollower {
  readonly #options: FactFollowerOptions;

  constructor(options: FactFollowerOptions) {
    this.#options = options;
  }

  /**
   * The record follows what the servers report, once they were asked after it was read and all say the same.
   * @returns the ledger as it was read after that; null: there was nothing to follow
   */
  async follow({ record }: LedgerView): Promise<LedgerView | null> {
    const { cluster, ledger, planner, settings, owner, events } = this.#options;
    if (cluster.level === null || cluster.level === record.level) return null;
    await cluster.refresh(0);
    const level = agreedLevel(cluster);
    if (level === null || level === record.level) return null;
    if (isLoneClaim({ level, servers: serverSetOf(cluster.facts) }, settings.policy)) return null;
    const version = cluster.servers.find((server) => server.version !== null)?.version ?? null;
    const release = planner.releaseAt(level, version);
    const followed = await ledger.observe(level, release && printVersion(release), owner, record);
    // Another gate may have begun an upgrade meanwhile.
    const view = await ledger.read();
    if (followed.level === level)
      events.emit({
        event: 'migration',
        what: record.level !== null && level < record.level ? 'level-went-back' : 'level-observed',
        fromLevel: record.level,
        toLevel: level,
      });
    return view;
  }
}
