/**
 * The sessions of one gate: the slots that limit them, who is connected to what, and their ends. Nothing else of a
 * client's handshake is kept: sessions are many, and may last for days.
 */
import type { SessionEndReason } from '../events/events.ts';
import { type Clock, msBetween } from '../ports/clock.ts';
import type { End, Relay } from '../relay/relay.ts';
import type { CloseReason } from '../wire/close.ts';
import type { Applicant } from './applicant.ts';
import type { Slots } from './slots.ts';

/** A session as it begins. */
export interface SessionStart {
  /** Its id. */
  readonly session: string;
  readonly client: string;
  readonly driver: string;
  /** Of what the client says of itself, what may be recorded. */
  readonly properties: Readonly<Record<string, string>>;
  /** The client's address. */
  readonly peer: string;
  /** The address that it came to. */
  readonly listener: string;
  /** Id of the server that it is connected to. */
  readonly server: string;
}

/** A session as it is at one moment: a copy, which does not change. */
export interface SessionView extends SessionStart {
  /** ms since the epoch. */
  readonly since: number;
  readonly bytesFromClient: number;
  readonly bytesFromServer: number;
}

/** How a session is to be ended from this side. */
export interface SessionClose {
  readonly reason: SessionEndReason;
  /** What a WebSocket client sees. */
  readonly closeReason: CloseReason;
}

export interface SessionRegistryOptions {
  readonly clock: Clock;
  /** What limits them. */
  readonly slots: Slots;
  /** Told of each end, once the session is no longer in the list, and how long it lasted. */
  readonly onEnd: (session: SessionView, end: End, durationMs: number) => void;
  /** Told if that threw: a bug, which concerns no other session. */
  readonly onFault: (error: Error) => void;
}

interface OpenSession {
  readonly start: SessionStart;
  readonly applicant: Applicant;
  readonly since: number;
  /** Monotonic. */
  readonly startedAt: number;
  readonly relay: Relay;
}

/** Every session of a gate, from the slot it takes to its end. */
export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #sessions = new Map<string, OpenSession>();

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
  }

  /** Open ones. */
  get count(): number {
    return this.#sessions.size;
  }

  /** What counts against the limit: open sessions, and those about to begin. */
  get slots(): Slots {
    return this.#options.slots;
  }

  /** A session that has its slot begins; its end gives the slot back. */
  begin(start: SessionStart, applicant: Applicant, relay: Relay): void {
    const { clock } = this.#options;
    const session = { start, applicant, since: clock.now(), startedAt: clock.monotonic(), relay };
    this.#sessions.set(start.session, session);
    relay.whenOver((end) => this.#ended(session, end));
  }

  /**
   * Ends every session that `reasonFor` gives a reason for.
   * @returns how many
   */
  closeWhere(reasonFor: (session: SessionView, applicant: Applicant) => SessionClose | null): number {
    let closed = 0;
    for (const session of [...this.#sessions.values()]) {
      const close = reasonFor(viewOf(session), session.applicant);
      if (close === null) continue;
      closed++;
      session.relay.close(close.reason, close.closeReason);
    }
    return closed;
  }

  /** Oldest first. */
  list(): SessionView[] {
    return Array.from(this.#sessions.values(), viewOf);
  }

  #ended(session: OpenSession, end: End): void {
    this.#sessions.delete(session.start.session);
    this.slots.release();
    const { clock, onEnd, onFault } = this.#options;
    try {
      onEnd(viewOf(session), end, msBetween(session.startedAt, clock.monotonic()));
    } catch (error) {
      onFault(error as Error);
    }
  }
}

function viewOf({ start, since, relay }: OpenSession): SessionView {
  return { ...start, since, bytesFromClient: relay.fromClient, bytesFromServer: relay.fromServer };
}
