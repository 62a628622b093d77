/** What a reload of a gate's config is asked, and what it says: the signal, the command and the admin API alike. */
import type { ReloadChange, ReloadRefusal } from '../config/plan-reload.ts';

/** Who wants the config read again, and why. */
export interface ReloadRequest {
  readonly by: string;
  readonly reason: string | null;
  /** Whether to say only what a reload would change. */
  readonly dryRun?: boolean;
}

/** What came of it. Either all of `changes` were made, or none. */
export interface ReloadResult {
  readonly dryRun: boolean;
  /** Whether the gate goes by the file as it is now; of a dry run, whether it would. */
  readonly done: boolean;
  readonly changes: readonly ReloadChange[];
  /** Why not, by key; empty where it is done. */
  readonly refused: readonly ReloadRefusal[];
  /** All of it, for people. */
  readonly sentence: string;
}

/** Reads the config again and applies it, whole or not at all. Never rejects: what is wrong is in the result. */
export type Reload = (request: ReloadRequest) => Promise<ReloadResult>;
