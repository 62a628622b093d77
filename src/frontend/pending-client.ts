/**
 * A client that is not admitted yet: what it says of itself, what it sends early, and the ways to answer it.
 * Which protocol it speaks, and what its faults and refusals look like in it, stays in its front end.
 */
import type { Code } from '../policy/codes.ts';
import type { ClientFacts, Decision, ProtocolRange } from '../policy/types.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { Connection } from '../ports/transport.ts';
import type { EarlyData, EarlyFault } from './early-data.ts';

/** What a client says of itself. */
export interface Hello {
  /** As the client wrote it; whether it is a version is checked by admission. */
  readonly version: string;
  readonly driver: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Whether it may bring the one-time upgrade. */
  readonly upgrade: ClientFacts['upgrade'];
  /** With preset `ranges`: the protocol versions it speaks. */
  readonly protocol?: ProtocolRange | undefined;
  /** Where `version` was read, or who stated it, for a client that does not speak the handshake. */
  readonly claim?: { readonly source: string } | undefined;
}

/** How waiting for a client's hello ends. It never rejects: a peer's fault is a result like any other. */
export type HelloResult =
  /** `token`: the secret that came with it. It is apart, since a hello is recorded and passed on to servers. */
  | { readonly kind: 'hello'; readonly hello: Hello; readonly token?: string | null }
  /** What came is no hello, nothing came in time, or the client left; `message` is a sentence. */
  | { readonly kind: 'failed'; readonly code: Code; readonly message: string }
  /** Opened and closed without a byte, as load balancers and health checks do: no client, and no fault. */
  | { readonly kind: 'probe' };

/** What a held client hears while it waits. */
export interface WaitNotice {
  readonly code: Code;
  readonly reason: string;
  /** 0 to 1; null where nobody knows. */
  readonly progress: number | null;
  /** ms until it is refused if nothing changes. */
  readonly deadlineMs: number;
}

/** What an admitted client is told. */
export interface Permit {
  readonly session: string;
  readonly server: { readonly id: string; readonly version: string | null };
  /** Schema level of the system tables; null: nobody knows. */
  readonly level: number | null;
  readonly waitedMs: number;
  /** Sentences that an admitted client should know all the same. */
  readonly notices: readonly string[];
  readonly decision: Decision;
}

/** Gives a client a server before it is judged, in protocols whose clients do not go on without one. */
export interface Ahead {
  /**
   * Dials a server that takes sessions; waits, as long as a client may, while there is none. Called once. Whether the
   * connection becomes the session's is decided with the verdict, and nobody but the gate closes it until then.
   * @throws {Error} if none can be reached: the message is a sentence
   */
  server(): Promise<Connection>;
}

export interface PendingClient {
  /** Its front end's protocol. */
  readonly protocol: string;
  /** May become another one until the hello is complete. */
  readonly connection: Connection;
  /** Whether it asked for TLS in words of the protocol. Absent: there are none. */
  readonly tlsRequested?: boolean;
  /** Aborts when the client leaves, or is to be turned away for its `fault`. */
  readonly gone: CancelSignal;
  /** Null, or absent: it has left, once `gone` has aborted. */
  readonly fault?: EarlyFault | null;
  /** The one hello of this client, however often it is asked for. */
  hello(ahead: Ahead): Promise<HelloResult>;
  /** The server that it was given ahead of its verdict, as long as that can be gone on with. Absent: it needs none. */
  readonly spokenWith?: Connection | null;
  /** What the session goes over, once it is admitted: a server that it has not spoken with yet may have to catch up. */
  onto?(server: Connection): Connection;
  /** Legal after a hello, until `permit` or `refuse`. */
  wait(notice: WaitNotice): void;
  /** Tells the client that it is admitted. From here on the connection carries the session's bytes. */
  permit(permit: Permit): void;
  /**
   * Turns the client away and closes. Legal until `permit`, also before or instead of a hello: a peer that speaks
   * another protocol is answered in that protocol where this helps.
   */
  refuse(decision: Decision): void;
  /** What came before admission, for the relay, which takes over the connection. */
  earlyData(): EarlyData;
}
