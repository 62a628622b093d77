/**
 * A front end is one protocol that clients speak to a listener. It turns an accepted connection into a
 * `PendingClient`; everything behind it decides without knowing which protocol that is.
 */
import type { Connection } from '../ports/transport.ts';
import type { EarlyMemory } from './early-data.ts';
import type { PendingClient } from './pending-client.ts';

export interface FrontEnd {
  /** The protocol's name, for records and status: `skewgate`, `assumed`, `postgres`. */
  readonly protocol: string;
  /** Whether the session is all that goes over the connection: a WebSocket is then handed on to the server whole. */
  readonly isTransparent: boolean;
  /** Reads the code that it needs, before its listener is bound. Absent: that was read. */
  load?(): Promise<void>;
  /**
   * Takes the connection over, handlers included, until the client is admitted or refused. It may speak first.
   * The time limit for the client's hello begins here.
   * @param memory for what the client sends before it is admitted; absent: there is enough
   */
  accept(connection: Connection, memory?: EarlyMemory): PendingClient;
}
