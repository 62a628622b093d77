/**
 * What a session is made of: raw bytes both ways between two connections, with back-pressure and half-close. An engine
 * is one way to carry them; test/relay/contract.ts says what each has to do.
 */
import type { PeerStateSinceHello } from '../backend/back-end.ts';
import type { SessionEndReason } from '../events/events.ts';
import type { EarlyData } from '../frontend/early-data.ts';
import type { Connection } from '../ports/transport.ts';
import type { CloseReason } from '../wire/close.ts';

export interface End {
  readonly reason: SessionEndReason;
  readonly error: Error | null;
}

/** One session under way. */
export interface Relay {
  /** Bytes so far. */
  readonly fromClient: number;
  readonly fromServer: number;
  /** Calls the listener back, once and in a turn of its own, when both connections are done with. There is one. */
  whenOver(listener: (end: End) => void): void;
  /** Ends the session from this side; a WebSocket client sees the closeReason. */
  close(reason: SessionEndReason, closeReason: CloseReason): void;
}

/**
 * Starts relays. An engine takes both connections over for good, so it may also take out of them what carries them:
 * one that hands descriptors to the kernel would ask a connection for its descriptor and for what was read and not yet
 * delivered, send that after the early bytes, and fall back to another engine for connections that have none to give.
 */
export interface RelayEngine {
  readonly name: 'streams' | 'buffers';
  /**
   * Hands a session's bytes on until both sides are done, or one is gone.
   * @param early what the client sent before it was admitted: it goes first
   * @param sinceHello what the server did between its hello and now
   */
  start(client: Connection, server: Connection, early: EarlyData, sinceHello?: PeerStateSinceHello): Relay;
}
