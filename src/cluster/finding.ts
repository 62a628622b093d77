/** What was learnt of a server, for other processes that stand in front of the same ones. */
import type { ServerIdentity } from '../backend/back-end.ts';

export interface Finding {
  readonly server: string;
  /** When it was asked, on the cluster's clock: an answer to an older question than the one known is ignored. */
  readonly askedAt: number;
  /** What it said; null: it could not be reached, or is not what was known of it. */
  readonly identity: ServerIdentity | null;
  /** Why it counts as down; otherwise null. */
  readonly error: string | null;
}
