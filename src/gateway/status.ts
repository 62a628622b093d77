/** How a gate stands, as a copy: plain data that can be printed, sent and kept. */
import type { ServerView } from '../cluster/server-view.ts';
import type { ConnectionTotals } from './connections.ts';
import type { LifecycleState } from './lifecycle.ts';

export interface GateStatus {
  readonly state: LifecycleState;
  /** As bound, with scheme, in the order of the config. */
  readonly addresses: readonly string[];
  readonly servers: readonly ServerView[];
  /** Clients on their way in. */
  readonly handshakes: number;
  /** Open ones. */
  readonly sessions: number;
  /** Clients that wait for an upgrade. */
  readonly held: number;
  /** What counts against the limit of sessions: open ones, and those about to begin. */
  readonly slots: number;
  /** All that listeners accepted so far. */
  readonly connections: ConnectionTotals;
}
