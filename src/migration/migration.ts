/** The one-time upgrade as admission sees it. */
import type { UpgradeState } from '../policy/types.ts';
import type { Changes } from '../ports/changes.ts';

export interface MigrationProgress {
  /** 0 to 1; null when the hook does not say. */
  readonly done: number | null;
  readonly text: string;
}

export interface Trigger {
  readonly connection: string;
  readonly client: string;
  readonly driver: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface Migration {
  readonly changes: Changes;
  /** What policy has to know. */
  readonly state: UpgradeState;
  /** Of the upgrade that runs; null when none does. */
  readonly progress: MigrationProgress | null;
  /** A client came that policy judged `migrate`. Starts the upgrade, or does nothing if one runs. */
  request(trigger: Trigger): void;
  stop(): Promise<void>;
}
