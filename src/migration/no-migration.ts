/** The migration gate of a policy without system tables: there is nothing to upgrade, and no ledger to be out of reach. */
import type { Cluster } from '../cluster/cluster.ts';
import type { UpgradeState } from '../policy/types.ts';
import { Changes } from '../ports/changes.ts';
import type { Migration } from './migration.ts';

/** What admission sees where no policy rule asks for an upgrade: never anything but rest. */
export class NoMigration implements Migration {
  readonly changes = new Changes();
  readonly progress = null;
  readonly obstacle = null;
  readonly ledger = null;
  readonly standing = null;
  readonly #cluster: Pick<Cluster, 'level'>;

  /** @param cluster what its servers report is passed on as it is. */
  constructor(cluster: Pick<Cluster, 'level'>) {
    this.#cluster = cluster;
  }

  get level(): number | null {
    return this.#cluster.level;
  }

  get reached(): number | null {
    return this.level;
  }

  async refresh(): Promise<void> {}

  stateFor(): UpgradeState {
    return { state: 'idle' };
  }

  /** Never called: no verdict of such a policy is `migrate`. */
  request(): void {}

  noteWaitingClient(): void {}

  levelOf(): number {
    return 0;
  }

  /** Nothing rises. */
  whenRisen(): void {}

  async prepare(): Promise<void> {}

  async start(): Promise<void> {}

  async stop(): Promise<void> {}
}
