/**
 * A back end is one way to deal with servers: how a server is identified, handed a session, asked to upgrade and
 * told goodbye. The cluster dials, and knows servers through this interface only.
 */
import type { ProtocolRange } from '../policy/types.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { Connection } from '../ports/transport.ts';
import type { Version } from '../version/version.ts';
import type { Message, MessageInput } from '../wire/messages.ts';

/** What a server is, as it says itself or as somebody says of it. */
export interface ServerIdentity {
  readonly version: Version;
  /** It announced that it leaves, and takes no new sessions. */
  readonly draining: boolean;
  /** Schema level of its system tables; null: it keeps none, or does not say. */
  readonly level: number | null;
  /** The highest fencing token that it has seen; null: it keeps none. */
  readonly token: number | null;
  /** The ledgers whose gates asked it for a step, refused or not, each with its highest token. */
  readonly ledgers: readonly { readonly id: string; readonly token: number }[];
  readonly protocol?: ProtocolRange | undefined;
}

/** What a connection to a server is for. */
export type Purpose = 'probe' | 'session' | 'upgrade';

export interface BackEnd {
  /** The protocol's name, for records and status: `skewgate`, `plain`. */
  readonly protocol: string;
  /** Whether a session is all that goes over its connection: a WebSocket client is then handed on to it whole. */
  readonly isTransparent: boolean;
  /** What its server is, where that is known and the server is never asked: it is up until it can't be dialled. */
  readonly stated?: ServerIdentity;
  /**
   * Identifies the server at the other end of a fresh connection, which the caller destroys if this fails.
   * @param known whether the server's version is known already
   * @throws {Error} if it is no such server, leaves, or the signal aborts first
   */
  identify(
    connection: Connection,
    purpose: Purpose,
    known: boolean,
    signal: CancelSignal,
  ): Promise<ServerLink>;
}

/** What the server did on a connection since it was identified, before anybody took the connection over. */
export interface PeerStateSinceHello {
  /** It sent what nobody asked for. */
  spoke: boolean;
  ended: boolean;
  closed: { readonly error: Error | null } | null;
}

/** A connection to a server that was identified: for one session, one upgrade, or nothing but a goodbye. */
export interface ServerLink {
  readonly connection: Connection;
  /** Null where this connection told nothing new. */
  readonly identity: ServerIdentity | null;
  /** Absent where the connection delivers all of it to whoever takes it over. */
  readonly sinceHello?: PeerStateSinceHello;
  /** Hands over an admitted client; from here on the connection carries its bytes. */
  openSession(session: MessageInput<'open'>): void;
  /**
   * Runs one upgrade step. Absent: servers of this kind can't be asked to.
   * @throws {Error} if the server leaves before its result, or the signal aborts
   */
  upgrade?(
    request: MessageInput<'upgradeRequest'>,
    signal: CancelSignal,
    onProgress: (progress: Message<'upgradeProgress'>) => void,
  ): Promise<Message<'upgradeResult'>>;
  /** Says goodbye: no session was opened, or the upgrade is over. */
  close(): void;
}

/**
 * A server can't be reached, or does not behave as one. Of a server that is down there is one for each probe, and only
 * its message is ever used: it takes no stack trace.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';

  constructor(message: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}
