/** How a gate stands, as a copy: plain data that can be printed, sent and kept. */
import type { ServerView } from '../cluster/server-view.ts';
import type { ConnectionTotals } from './connections.ts';
import type { LifecycleState } from './lifecycle.ts';
import type { WaitsFor } from './wait.ts';

/** `paused`: it serves, and an operator has new clients wait. `drained`: an operator has it take no clients. */
export type GateState = LifecycleState | 'paused' | 'drained';

export interface GateStatus {
  readonly state: GateState;
  /** As bound, with scheme, in the order of the config. */
  readonly addresses: readonly string[];
  readonly servers: readonly ServerView[];
  /** Clients on their way in. */
  readonly handshakes: number;
  /** Open ones. */
  readonly sessions: number;
  /** Open ones of each client that is known, by what the config calls it. */
  readonly sessionsByIdentity: ReadonlyMap<string, number>;
  /** Clients that wait for an upgrade, or for the end of a pause, as they count against their limit. */
  readonly held: number;
  /** Bytes kept of what clients sent before they were admitted. */
  readonly heldBytes: number;
  /** All clients that are held, by what they wait for. */
  readonly heldFor: Readonly<Record<WaitsFor, number>>;
  /** What counts against the limit of sessions: open ones, and those about to begin. */
  readonly slots: number;
  /** All that listeners accepted so far. */
  readonly connections: ConnectionTotals;
}
