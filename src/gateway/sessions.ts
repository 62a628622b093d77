/**
 * The sessions of one gate: the slots that limit them, who is connected to what, and their ends. Nothing else of a
 * client's handshake is kept: sessions are many, and may last for days.
 */
import type { SessionEndReason } from '../events/events.ts';
import type { Code } from '../policy/codes.ts';
import { type Clock, msBetween } from '../ports/clock.ts';
import type { End, Relay } from '../relay/relay.ts';
import { compareVersions } from '../version/version.ts';
import { type CloseReason, closeReasonOf } from '../wire/close.ts';
import type { Applicant } from './applicant.ts';
import type { Slots } from './slots.ts';
import type { SourceSlot } from './sources.ts';

/** A session as it begins. */
export interface SessionStart {
  /** Its id. */
  readonly session: string;
  readonly client: string;
  readonly driver: string;
  /** Of what the client says of itself, what may be recorded. */
  readonly properties: Readonly<Record<string, string>>;
  /** What the config called the client as it came; null: it is not known who it is. */
  readonly identity: string | null;
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

/** Picks sessions out of all that are open. */
export type SessionFilter = (session: SessionStart, applicant: Applicant) => boolean;

/** How one of them is to be ended; null: it goes on. */
export type ReasonFor = (session: SessionStart, applicant: Applicant) => SessionClose | null;

/** How a session is to be ended from this side. */
export interface SessionClose {
  readonly reason: SessionEndReason;
  readonly code: Code;
  /** Why, as a sentence. */
  readonly message: string;
  /** What a WebSocket client sees; absent: code and message. */
  readonly closeReason?: CloseReason;
}

/** What is known of a session once it is over, besides how it ended. */
export interface SessionOver {
  readonly durationMs: number;
  /** How it was ended from this side; null: it was not. */
  readonly closed: SessionClose | null;
}

export interface SessionRegistryOptions {
  readonly clock: Clock;
  /** What limits them. */
  readonly slots: Slots;
  /** Told of each end, once the session is no longer in the list. */
  readonly onEnd: (session: SessionView, end: End & SessionOver, slot: SourceSlot | null) => void;
  /** Told if that threw: a bug, which concerns no other session. */
  readonly onFault: (error: Error) => void;
}

interface OpenSession {
  readonly start: SessionStart;
  readonly applicant: Applicant;
  readonly since: number;
  /** Monotonic. */
  readonly startedAt: number;
  /** Bytes both ways as of the last look at it, and since when they are as many, monotonic. */
  carried: number;
  quietSince: number;
  readonly relay: Relay;
  readonly slot: SourceSlot | null;
  closed: SessionClose | null;
}

/** Every session of a gate, from the slot it takes to its end. */
export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #sessions = new Map<string, OpenSession>();
  readonly #byIdentity = new Map<string, number>();
  readonly #followers = new Set<(session: string) => void>();

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

  /** Open ones of each client that is known, by what the config calls it; those that had some have 0. */
  get byIdentity(): ReadonlyMap<string, number> {
    return this.#byIdentity;
  }

  /**
   * A session that has its slot begins; its end gives the slot back.
   * @param slot the connection that it is on, for whoever is told of the end; null: none is counted
   */
  begin(start: SessionStart, applicant: Applicant, relay: Relay, slot: SourceSlot | null = null): void {
    const { clock } = this.#options;
    const startedAt = clock.monotonic();
    const session = {
      start,
      applicant,
      since: clock.now(),
      startedAt,
      carried: 0,
      quietSince: startedAt,
      relay,
      slot,
      closed: null,
    };
    this.#sessions.set(start.session, session);
    this.#count(start, 1);
    relay.whenOver((end) => this.#ended(session, end));
  }

  /**
   * Ends every session that `reasonFor` gives a reason for.
   * @returns how many
   */
  closeWhere(reasonFor: ReasonFor): number {
    let closed = 0;
    for (const session of [...this.#sessions.values()]) {
      const close = reasonFor(session.start, session.applicant);
      if (close === null) continue;
      closed++;
      closeSession(session, close);
    }
    return closed;
  }

  /** Ends each session that has carried nothing for `ms`, as far as looks tell, of which this is one. */
  closeIdle(ms: number, close: SessionClose): void {
    const now = this.#options.clock.monotonic();
    for (const session of [...this.#sessions.values()]) {
      const carried = session.relay.fromClient + session.relay.fromServer;
      if (carried !== session.carried) {
        session.carried = carried;
        session.quietSince = now;
      } else if (now - session.quietSince >= ms) closeSession(session, close);
    }
  }

  /** Ends one session, if it is open and `reasonFor` gives a reason for it. @returns whether it does */
  close(id: string, reasonFor: ReasonFor): boolean {
    const session = this.#sessions.get(id);
    const close = session ? reasonFor(session.start, session.applicant) : null;
    if (session === undefined || close === null) return false;
    closeSession(session, close);
    return true;
  }

  /** Whether it is open. */
  has(id: string): boolean {
    return this.#sessions.has(id);
  }

  /** Ids of those that are meant, by client release: the oldest release first, and of one release who came first. */
  select(isMeant: SessionFilter): string[] {
    return Array.from(this.#sessions.values())
      .filter(({ start, applicant }) => isMeant(start, applicant))
      .sort((a, b) => compareVersions(a.applicant.facts.version, b.applicant.facts.version))
      .map(({ start }) => start.session);
  }

  /** How many of those that are meant each client release has: the oldest release first. */
  countByClient(isMeant: SessionFilter): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const id of this.select(isMeant)) {
      const { client } = (this.#sessions.get(id) as OpenSession).start;
      counts[client] = (counts[client] ?? 0) + 1;
    }
    return counts;
  }

  /** Calls `act` with the id of each session that is over, once it is no longer in the list. @returns how to end that */
  follow(act: (session: string) => void): () => void {
    this.#followers.add(act);
    return () => void this.#followers.delete(act);
  }

  /** Oldest first. */
  list(): SessionView[] {
    return Array.from(this.#sessions.values(), viewOf);
  }

  #count({ identity }: SessionStart, by: number): void {
    if (identity !== null) this.#byIdentity.set(identity, (this.#byIdentity.get(identity) ?? 0) + by);
  }

  #ended(session: OpenSession, end: End): void {
    this.#sessions.delete(session.start.session);
    this.#count(session.start, -1);
    this.slots.release();
    const { clock, onEnd, onFault } = this.#options;
    try {
      const durationMs = msBetween(session.startedAt, clock.monotonic());
      // A client may have left before it was told to.
      const closed = session.closed?.reason === end.reason ? session.closed : null;
      onEnd(viewOf(session), { ...end, durationMs, closed }, session.slot);
    } catch (error) {
      onFault(error as Error);
    }
    for (const follow of this.#followers) follow(session.start.session);
  }
}

function closeSession(session: OpenSession, close: SessionClose): void {
  const { reason, code, message, closeReason = closeReasonOf(code, message) } = close;
  session.closed ??= close;
  session.relay.close(reason, closeReason);
}

function viewOf({ start, since, relay }: OpenSession): SessionView {
  return { ...start, since, bytesFromClient: relay.fromClient, bytesFromServer: relay.fromServer };
}
