/**
 * Clients on their way in: at most so many at once, of all sources and of each, also those still in their transport's
 * own handshake. Each that may come in has its admission.
 */
import type { PendingClient } from '../frontend/pending-client.ts';
import { refusal } from '../policy/decision.ts';
import type { Decision } from '../policy/types.ts';
import { msBetween } from '../ports/clock.ts';
import { randomId } from '../ports/random.ts';
import type { HandshakeEnd, HandshakeFailure, PendingHandshake } from '../ports/transport.ts';
import { Admission, type AdmissionContext, type Admitted, type Outcome } from './admission.ts';
import type { ConnectionCounts, EndBeforeSession } from './connections.ts';
import { draining, tooManyHandshakes, tooManyOfSource, tooManySessions } from './refusals.ts';
import type { Slots } from './slots.ts';
import type { SourceSlot, Sources } from './sources.ts';
import type { TurnedAway } from './turned-away.ts';

export interface HandshakesOptions {
  /** What limits them. */
  readonly slots: Slots;
  readonly sources: Sources;
  readonly turnedAway: TurnedAway;
  /** Gets each connection. */
  readonly connections: ConnectionCounts;
  /** Gets each outcome before its client is told. */
  readonly log: (outcome: Outcome, listener: string) => void;
  /** Called when one is over. */
  readonly onEnd: () => void;
}

/** All handshakes of one gate. */
export class Handshakes {
  readonly #context: AdmissionContext;
  readonly #options: HandshakesOptions;

  constructor(context: AdmissionContext, options: HandshakesOptions) {
    this.#context = context;
    this.#options = options;
  }

  get count(): number {
    return this.#options.slots.used;
  }

  /**
   * Somebody has come to `listener`.
   * @returns null: its source has too many, and it is to be cut off; that is counted
   */
  enter(peer: string, listener: string): SourceSlot | null {
    const { sources, turnedAway, connections } = this.#options;
    connections.begin(listener);
    const slot = sources.enter(peer);
    if (slot.reached === null || turnedAway.tells(slot.name, slot.reached)) return slot;
    connections.end('refused');
    return null;
  }

  /**
   * Takes a client to its verdict.
   * @param listener the address that it came to
   * @returns what its session needs; if it was not admitted, how it ended
   */
  async run(client: PendingClient, slot: SourceSlot, listener: string): Promise<Admitted | EndBeforeSession> {
    const { log, onEnd, slots } = this.#options;
    const admission = new Admission(this.#context, client, listener, (outcome) => log(outcome, listener));
    const over = this.#overSource(slot);
    if (over !== null) return admission.refuse(over);
    if (this.#full() !== null) await this.#more();
    const full = this.#full();
    if (full !== null) return admission.refuse(full);
    slots.acquire();
    try {
      return await admission.run();
    } finally {
      slots.release();
      onEnd();
    }
  }

  /** A peer in its transport's own handshake is a client on its way in too. */
  track(peer: string, listener: string, protocol: string): TrackedHandshake {
    const startedAt = this.#context.clock.monotonic();
    const { slots, connections, onEnd } = this.#options;
    const slot = this.enter(peer, listener);
    const full = slot && (this.#overSource(slot) ?? this.#noRoom());
    const hasPlace = slot !== null && full === null;
    if (hasPlace) slots.acquire();
    return new TrackedHandshake(slot, hasPlace, (how) => {
      if (hasPlace) slots.release();
      if (slot !== null && typeof how === 'object')
        this.#logFailure(peer, full ?? this.#strayed(how), { listener, protocol, startedAt });
      if (slot !== null && how !== 'connection') {
        slot.leave();
        connections.end(how === 'probe' ? how : 'refused');
      }
      onEnd();
    });
  }

  #overSource({ name, reached }: SourceSlot): Decision | null {
    return reached && tooManyOfSource(name, reached, this.#context.ramp.comeAgain(0));
  }

  #full(): Decision | null {
    const { lifecycle, sessions } = this.#context;
    if (lifecycle.closing.aborted) return draining(null);
    return (
      this.#noRoom() ??
      (sessions.slots.isFull ? tooManySessions(sessions.slots.limit, this.#context.ramp.comeAgain(0)) : null)
    );
  }

  #noRoom(): Decision | null {
    const { slots } = this.#options;
    return slots.isFull ? tooManyHandshakes(slots.limit, this.#context.ramp.comeAgain(slots.limit)) : null;
  }

  /** Where a limit is shared: the wait for room that others can spare. */
  async #more(): Promise<void> {
    const { slots } = this.#options;
    const { sessions } = this.#context;
    for (const full of [slots, sessions.slots]) if (full.isFull) await full.more();
  }

  #strayed({ late, why }: HandshakeFailure): Decision {
    if (this.#context.lifecycle.closing.aborted) return draining(null);
    return refusal(late ? 'HANDSHAKE_TIMEOUT' : 'BAD_HANDSHAKE', `${why[0]?.toUpperCase()}${why.slice(1)}.`);
  }

  #logFailure(
    peer: string,
    decision: Decision,
    {
      listener,
      protocol,
      startedAt,
    }: Readonly<Record<'listener' | 'protocol', string>> & { startedAt: number },
  ): void {
    const { clock, random } = this.#context;
    this.#options.log(
      {
        decision,
        connection: randomId(random),
        peer,
        driver: null,
        protocol,
        claim: null,
        tls: { requested: false, version: null },
        properties: {},
        identity: null,
        credential: null,
        session: null,
        server: null,
        serverVersion: null,
        waitedFor: null,
        phases: { helloMs: null, heldMs: 0, dialMs: null, totalMs: msBetween(startedAt, clock.monotonic()) },
      },
      listener,
    );
  }
}

/** A peer in its transport's own handshake. */
export class TrackedHandshake implements PendingHandshake {
  /** Null: it is cut off. */
  readonly slot: SourceSlot | null;
  readonly admitted: boolean;
  readonly #onEnd: (how: HandshakeEnd) => void;

  constructor(slot: SourceSlot | null, admitted: boolean, onEnd: (how: HandshakeEnd) => void) {
    this.slot = slot;
    this.admitted = admitted;
    this.#onEnd = onEnd;
  }

  get isCut(): boolean {
    return this.slot === null;
  }

  end(how: HandshakeEnd): void {
    this.#onEnd(how);
  }
}
