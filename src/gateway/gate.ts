/** The gate: listeners, the clients on their way in, the sessions, and an orderly end. */
import type { Cluster } from '../cluster/cluster.ts';
import type { DecisionLog, GateRecord } from '../decision/record.ts';
import type { FrontEnd } from '../frontend/front-end.ts';
import type { PendingClient } from '../frontend/pending-client.ts';
import type { Migration } from '../migration/migration.ts';
import { CODES } from '../policy/codes.ts';
import { decide } from '../policy/decide.ts';
import { refusal } from '../policy/decision.ts';
import type { Decision, Policy } from '../policy/types.ts';
import { Changes } from '../ports/changes.ts';
import { type Clock, deadline } from '../ports/clock.ts';
import { type Random, randomId } from '../ports/random.ts';
import type { HandshakeFailure, Listener, PendingHandshake } from '../ports/transport.ts';
import { splitAddress, type Transports } from '../transport/address.ts';
import { closeReasonOf, GOING_AWAY } from '../wire/close.ts';
import {
  Admission,
  type AdmissionContext,
  type AdmissionTimes,
  type Admitted,
  draining,
  type Outcome,
} from './admission.ts';
import { type End, type Relay, relay } from './relay.ts';

export interface ListenerEntry {
  /** With scheme: `tcp://…`, `ws://…`. */
  readonly address: string;
  /** The protocol that clients speak on it. */
  readonly frontEnd: FrontEnd;
}

export interface GateOptions {
  /** The `cluster` of the config. */
  readonly name: string;
  readonly listen: readonly ListenerEntry[];
  readonly cluster: Cluster;
  readonly migration: Migration;
  readonly policy: Policy;
  readonly policyHash: string;
  readonly log: DecisionLog;
  readonly transports: Transports;
  readonly clock: Clock;
  readonly random: Random;
  readonly times: AdmissionTimes & {
    /** ms that sessions get to end when the gate drains. */
    readonly drain: number;
  };
  readonly limits: {
    /** Clients on their way in at once. */
    readonly handshakes: number;
    readonly sessions: number;
    /** Clients that wait for an upgrade at once. */
    readonly waiting: number;
  };
}

/** Nothing of the way in is kept: sessions are many, and may last for days. */
interface Session extends Pick<Admitted, 'session' | 'client' | 'facts' | 'initiator'> {
  readonly server: string;
  readonly startedAt: number;
  readonly relay: Relay;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #listeners: Listener[] = [];
  readonly #addresses: string[] = [];
  readonly #sessions = new Map<string, Session>();
  readonly #closing = new AbortController();
  readonly #idle = new Changes();
  /** Of every client's way in. */
  readonly #admission: AdmissionContext;
  #handshakes = 0;
  /** Sessions, also those about to begin. */
  #slots = 0;
  #watching: Promise<void> = Promise.resolve();

  constructor(options: GateOptions) {
    this.#options = options;
    this.#admission = {
      ...options,
      waiting: { count: 0, limit: options.limits.waiting },
      closing: this.#closing.signal,
      acquireSlot: () => this.#acquireSlot(),
      releaseSlot: () => this.#slots--,
    };
  }

  /** As bound, with scheme, in the order of the config. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Clients on their way in. */
  get handshakes(): number {
    return this.#handshakes;
  }

  /** Clients that wait for an upgrade. */
  get held(): number {
    return this.#admission.waiting.count;
  }

  /** That count against the limit of sessions: open ones, and those about to begin. */
  get slots(): number {
    return this.#slots;
  }

  /** What a gate needs before anything runs on its clock; `start` does it too. @throws {HookError} */
  prepare(): Promise<void> {
    return this.#options.migration.prepare();
  }

  /**
   * Learns the servers' versions, then listens, unless it is stopped before.
   * @throws if an address can't be bound, or {HookError}
   */
  async start(): Promise<void> {
    const { signal } = this.#closing;
    await this.prepare();
    if (signal.aborted) return;
    await this.#options.cluster.start();
    if (!signal.aborted) await this.#options.migration.start();
    try {
      for (const entry of this.#options.listen) if (!signal.aborted) await this.#listen(entry);
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    if (signal.aborted) return this.#stopListening();
    this.#watching = this.#watchUpgrades();
    this.#note('started');
  }

  /**
   * Stops listening, refuses who waits, gives sessions `grace` ms (default: the drain time) to end, then closes
   * them. `force` cuts the grace short, and the wait for a ledger that does not answer.
   */
  async stop(grace: number = this.#options.times.drain, force?: AbortSignal): Promise<void> {
    this.#note('draining');
    this.#closing.abort();
    await this.#stopListening();
    const limit = deadline(this.#options.clock, grace, force);
    while ((this.#sessions.size > 0 || this.#handshakes > 0) && !limit.signal.aborted)
      await this.#idle.next(limit.signal);
    limit.clear();
    for (const { relay } of this.#sessions.values()) relay.close('gate-stopped', GOING_AWAY);
    await unless(force, this.#options.migration.stop());
    this.#options.cluster.stop();
    await this.#watching;
    this.#note('stopped');
  }

  async #stopListening(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #listen(entry: ListenerEntry): Promise<void> {
    const [scheme, address] = splitAddress(entry.address);
    const transport = this.#options.transports[scheme];
    if (transport === undefined) throw new Error(`no transport for ${scheme}://`);
    const at = this.#addresses.length;
    this.#addresses.push(entry.address);
    const listener = await transport.listen(address, {
      accept: (connection) => {
        const caller = entry.frontEnd.accept(connection);
        this.#serve(caller, this.#addresses[at] as string).catch((error) => this.#fault(caller, error));
      },
      track: (peer) => this.#trackHandshake(peer, this.#addresses[at] as string),
    });
    this.#listeners.push(listener);
    this.#addresses[at] = `${scheme}://${listener.address}`;
  }

  /** M4, J1: an upgrade may end sessions that were fine before it. */
  async #watchUpgrades(): Promise<void> {
    const { migration } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const change = migration.changes.next(signal);
      for (const session of this.#sessions.values()) this.#judgeAgain(session);
      await change;
    }
  }

  #judgeAgain({ relay, facts, initiator }: Session): void {
    const { migration, cluster, policy, clock } = this.#options;
    const cluster_ = {
      servers: cluster.servers,
      level: migration.level,
      upgrade: migration.stateFor(initiator),
    };
    const { code, message } = decide(facts, cluster_, policy, clock.now());
    const { endsSessions } = CODES[code];
    if (endsSessions) relay.close(endsSessions, closeReasonOf(code, message));
  }

  async #serve(caller: PendingClient, listener: string): Promise<void> {
    const admission = new Admission(this.#admission, caller);
    const log = (outcome: Outcome) => this.#logHandshake(outcome, listener);
    const full = this.#full();
    if (full !== null) {
      admission.turnAway(full, log);
      return;
    }
    this.#handshakes++;
    let admitted: Admitted | null = null;
    try {
      admitted = await admission.run(log);
    } finally {
      this.#handshakes--;
      this.#idle.notify();
    }
    if (admitted !== null) this.#relay(caller, admitted);
  }

  /** A bug, or a message over the protocol's limits: this client is cut off, the others are not concerned. */
  #fault({ connection }: PendingClient, error: Error): void {
    connection.destroy();
    this.#noteFault(error);
  }

  #noteFault(error: Error): void {
    this.#note('fault', error.stack ?? error.message);
  }

  /** A peer in its transport's own handshake is a client on its way in too. */
  #trackHandshake(peer: string, listener: string): PendingHandshake {
    const startedAt = this.#options.clock.now();
    const full = this.#noRoom();
    if (full === null) this.#handshakes++;
    return {
      admitted: full === null,
      end: (failure) => {
        if (full === null) this.#handshakes--;
        if (failure !== null)
          this.#logFailedHandshake(peer, full ?? this.#strayed(failure), listener, startedAt);
        this.#idle.notify();
      },
    };
  }

  #strayed({ late, why }: HandshakeFailure): Decision {
    if (this.#closing.signal.aborted) return draining(null);
    return refusal(late ? 'HANDSHAKE_TIMEOUT' : 'BAD_HANDSHAKE', `${why[0]?.toUpperCase()}${why.slice(1)}.`);
  }

  #logFailedHandshake(peer: string, decision: Decision, listener: string, startedAt: number): void {
    this.#logHandshake(
      {
        decision,
        connection: randomId(this.#options.random),
        peer,
        driver: null,
        session: null,
        server: null,
        serverVersion: null,
        waitedFor: null,
        phases: { hello: null, held: 0, dial: null, total: this.#msSince(startedAt) },
      },
      listener,
    );
  }

  #full(): Decision | null {
    return this.#closing.signal.aborted ? draining(null) : (this.#noRoom() ?? this.#noSlot());
  }

  #noRoom(): Decision | null {
    const { handshakes } = this.#options.limits;
    if (this.#handshakes < handshakes) return null;
    return refusal('TOO_MANY_CONNECTIONS', `${handshakes} clients are on their way in already.`);
  }

  #acquireSlot(): Decision | null {
    const none = this.#closing.signal.aborted ? draining(null) : this.#noSlot();
    if (none === null) this.#slots++;
    return none;
  }

  #noSlot(): Decision | null {
    const { sessions } = this.#options.limits;
    if (this.#slots < sessions) return null;
    return refusal('TOO_MANY_CONNECTIONS', `${sessions} sessions are open already.`);
  }

  #relay(caller: PendingClient, { session, client, facts, initiator, reached }: Admitted): void {
    const { clock, cluster } = this.#options;
    const server = reached.server.id;
    const startedAt = clock.now();
    cluster.sessionStarted(server);
    const running = relay(
      caller.connection,
      reached.link.connection,
      caller.earlyData(),
      reached.link.sinceHello,
    );
    const begun: Session = { session, client, facts, initiator, server, startedAt, relay: running };
    this.#sessions.set(session, begun);
    running.done.then((end) => this.#ended(begun, end)).catch((error) => this.#noteFault(error));
  }

  #ended({ session, client, server, startedAt, relay }: Session, { reason, error }: End): void {
    const { cluster, log, name } = this.#options;
    this.#sessions.delete(session);
    this.#slots--;
    cluster.sessionEnded(server);
    log.write({
      event: 'session-end',
      gate: name,
      session,
      client,
      server,
      reason,
      error: error?.message ?? null,
      bytesFromClient: relay.fromClient,
      bytesFromServer: relay.fromServer,
      ms: this.#msSince(startedAt),
    });
    this.#idle.notify();
  }

  #msSince(startedAt: number): number {
    return Math.round((this.#options.clock.now() - startedAt) * 1_000) / 1_000;
  }

  #logHandshake({ decision, ...facts }: Outcome, listener: string): void {
    const { name, policyHash } = this.#options;
    this.#options.log.write({
      event: 'handshake',
      gate: name,
      listener,
      ...facts,
      ...decision,
      policy: policyHash,
    });
  }

  #note(what: GateRecord['what'], error: string | null = null): void {
    const { name, policyHash, log } = this.#options;
    log.write({ event: 'gate', gate: name, what, policy: policyHash, listeners: this.#addresses, error });
  }
}

/** Resolves with `work`, or as soon as `signal` aborts. */
async function unless(signal: AbortSignal | undefined, work: Promise<void>): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve());
  });
  await Promise.race([work, aborted]);
}
