/**
 * Connections as the gate sees them: bytes in order, back-pressure, half-close both ways. TCP, WebSocket and
 * the in-memory network implement it; test/transport/contract.ts says what each has to do.
 */
import type { CloseReason } from '../wire/close.ts';
import type { CancelSignal } from './cancellation.ts';

/** The peer broke a rule of the transport. The message is a clause for people: what it sent. */
export class PeerFault extends Error {
  override readonly name = 'PeerFault';
}

export interface ConnectionHandlers {
  /**
   * The bytes are the handler's to keep.
   * @param text whether they are a WebSocket's text message; only where messages are handed on whole
   */
  data(bytes: Uint8Array, text?: boolean): void;
  /**
   * Called in place of `data` by a connection that reads into a buffer which it uses again: the bytes are the
   * handler's until it returns. Without it every byte comes by `data`.
   */
  lent?(bytes: Uint8Array): void;
  /** The peer sends nothing more; this side still may. */
  end(): void;
  /** After `send` returned false: there is room again. */
  drain(): void;
  /**
   * Gone, once and last, also while paused.
   * @param error null: orderly
   * @param closeReason what the peer said when it closed a WebSocket; only where messages are handed on whole
   */
  close(error: Error | null, closeReason?: CloseReason): void;
}

/** What a WebSocket client asks for. */
export interface UpgradeRequest {
  /** Path and query. */
  readonly target: string;
  /** Those for the server, subprotocols among them: not those of this one connection, nor of compression. */
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** What a WebSocket server answered. */
export interface UpgradeAnswer {
  /** 101: it is a WebSocket now. */
  readonly status: number;
  /** The subprotocol chosen, and what belongs to a refusal. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A WebSocket client that waits for its answer. */
export interface PendingUpgrade {
  readonly request: UpgradeRequest;
  /**
   * Gives the client a server's answer. With status 101 messages are handed on whole from there on: as they are, text
   * as text, empty ones too, and there is no half-close. Without an answer the connection is a stream of bytes.
   */
  answer(answer?: UpgradeAnswer): void;
}

export interface Connection {
  /** The peer's address, for people and logs. */
  readonly peer: string;
  /** Replaces the handlers. Nothing is delivered before the first call. */
  handle(handlers: ConnectionHandlers): void;
  /**
   * Takes the bytes in any case (the buffer must not change afterwards); false: wait for `drain`.
   * @param text sends them as a text message, where messages are handed on whole
   */
  send(bytes: Uint8Array, text?: boolean): boolean;
  /** The same for bytes that may change once it has returned. */
  sendLent(bytes: Uint8Array): boolean;
  /** Half-close: this side sends nothing more. What was sent still arrives. */
  end(): void;
  /**
   * Delivers neither data nor the end until `resume`; what the peer sends stays with the peer sooner or later. That
   * it broke off is told all the same, within seconds.
   */
  pause(): void;
  resume(): void;
  /** Orderly: what was sent still arrives, what comes is thrown away. A WebSocket peer sees the closeReason. */
  close(closeReason?: CloseReason): void;
  /** At once; the peer may lose what was sent. */
  destroy(): void;
  /**
   * Bounds what one message may hold, bytes, until called again; null: no less than the transport allows. Absent
   * where there are no messages, but a stream.
   */
  limitMessages?(bytes: number | null): void;
  /** On a WebSocket that a transparent listener accepted: what the client asked for, to be answered once. */
  readonly upgrade?: PendingUpgrade | undefined;
  /** On a WebSocket that was dialled with a request: what the server answered. Messages are handed on whole. */
  readonly answer?: UpgradeAnswer;
}

export interface Listener {
  /** As bound: with the port that was chosen where 0 was asked for. */
  readonly address: string;
  /**
   * Accepts whoever the system has taken for it already, then listens no more. Peers in the transport's own handshake
   * go on with it. `close` is still to come.
   */
  stopListening(): Promise<void>;
  /** Stops accepting at once. Accepted connections live on; peers in the transport's own handshake do not. */
  close(): Promise<void>;
}

export interface DialOptions {
  readonly signal?: CancelSignal;
  /** Asked of a WebSocket server in the name of a client; see `Connection.answer`. Others ignore it. */
  readonly request?: UpgradeRequest | undefined;
}

/** Told of each peer of a transport that has a handshake of its own, as soon as that begins. */
export type HandshakeTracker = (peer: string) => PendingHandshake;

export interface PendingHandshake {
  /** False: there is no room for more that dawdle; it is let go soon unless it becomes a connection. */
  readonly admitted: boolean;
  /** Whether it is to be let go at once. */
  readonly isCut?: boolean;
  /** Called once. */
  end(how: HandshakeEnd): void;
}

/**
 * `connection`: the peer is one now, and `accept` gets it next. `probe`: it left without having said a byte, or asked
 * what this port is and was told. Otherwise it is gone, or going, without having become a connection.
 */
export type HandshakeEnd = 'connection' | 'probe' | HandshakeFailure;

export interface HandshakeFailure {
  readonly late: boolean;
  /** For people: a clause. */
  readonly why: string;
}

export interface ListenOptions {
  /**
   * Takes each connection; it is paused until its first `handle`.
   * @param handshake what `track` returned as its transport's handshake began; absent: `track` was not told of it
   */
  accept(connection: Connection, handshake?: PendingHandshake): void;
  /** Used by transports that have a handshake of their own. */
  readonly track?: HandshakeTracker;
  /** Whether a WebSocket client waits for a server's answer: see `Connection.upgrade`. Read for each client. */
  readonly transparent?: boolean;
  /** Web pages that may use a WebSocket listener, by origin; a client that is no page names none. Default: none. Read for each client. */
  readonly origins?: readonly string[];
  /** Whether other processes may listen on the address too; each connection comes to one of them. Default: false. */
  readonly shared?: boolean;
  /** A descriptor of a socket that listens on the address already; absent: it is yet to be bound. */
  readonly socket?: number;
}

export interface Transport {
  /** @throws if the address can't be bound. */
  listen(address: string, options: ListenOptions): Promise<Listener>;
  /** @throws if the peer can't be reached or the signal aborts first. */
  dial(address: string, options?: DialOptions): Promise<Connection>;
  /** Whether its connections lend what they read to handlers that take it. Absent: they never do. */
  lends?(): Promise<boolean>;
}
