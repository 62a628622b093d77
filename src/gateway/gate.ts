/**
 * The gate: a thin front over its lifecycle, its listeners, the clients on their way in, and its sessions. It starts
 * and ends them in order, and writes their records.
 */
import type { Cluster } from '../cluster/cluster.ts';
import type { LifecycleEvent } from '../events/events.ts';
import type { EventSink } from '../events/fan-out.ts';
import { recordable } from '../events/properties.ts';
import type { FrontEnd } from '../frontend/front-end.ts';
import type { PendingClient } from '../frontend/pending-client.ts';
import type { Migration } from '../migration/migration.ts';
import { aborted, type CancelSignal, onAbort } from '../ports/cancellation.ts';
import { AnyOf, Changes } from '../ports/changes.ts';
import { type Clock, deadline } from '../ports/clock.ts';
import type { Prepared } from '../ports/prepared.ts';
import type { Random } from '../ports/random.ts';
import type { Connection, PendingHandshake } from '../ports/transport.ts';
import { streams } from '../relay/engine.ts';
import type { End, RelayEngine } from '../relay/relay.ts';
import type { Transports } from '../transport/address.ts';
import { GOING_AWAY } from '../wire/close.ts';
import type { Admitted, Outcome } from './admission.ts';
import { ConnectionCounts, type EndBeforeSession } from './connections.ts';
import { Handshakes, TrackedHandshake } from './handshakes.ts';
import { Heeding } from './heeding.ts';
import { IdleWatch } from './idle-watch.ts';
import { Judge } from './judge.ts';
import { Lifecycle } from './lifecycle.ts';
import { type ListenerEntry, Listeners } from './listeners.ts';
import { Operations } from './operations.ts';
import { Orders } from './orders.ts';
import { rampAfterUpgrades } from './ramp.ts';
import { sessionEndEvent } from './session-end.ts';
import { type SessionClose, type SessionOver, SessionRegistry, type SessionView } from './sessions.ts';
import type { Settings } from './settings.ts';
import { SkewWatch } from './skew-watch.ts';
import type { Slots } from './slots.ts';
import { type SourceSlot, Sources } from './sources.ts';
import type { GateState, GateStatus } from './status.ts';
import { TurnedAway } from './turned-away.ts';
import { type HeldClient, HeldClients } from './wait.ts';

export interface GateOptions {
  readonly listen: readonly ListenerEntry[];
  readonly cluster: Cluster;
  readonly migration: Migration;
  readonly settings: Settings;
  readonly events: EventSink;
  readonly transports: Transports;
  /** Finds what carries the sessions' bytes. @throws {Error} if what the config asks for does not work */
  readonly chooseEngine: () => Promise<RelayEngine>;
  readonly clock: Clock;
  readonly random: Random;
  /** Clients that are let in during the first second after they were held. */
  readonly ramp: number;
  /** What its clients take up, each with its limit. */
  readonly slots: {
    /** Clients on their way in. */
    readonly handshakes: Slots;
    readonly sessions: Slots;
    /** Clients that wait for an upgrade, or for the end of a pause. */
    readonly waiting: Slots;
  };
}

const GATE_STOPPED: SessionClose = {
  reason: 'gate-stopped',
  code: 'DRAINING',
  message: 'The gate is shutting down.',
  closeReason: GOING_AWAY,
};

/** ms that handshakes get to end once nothing holds them any more. */
const LAST_ANSWERS = 1_000;

/** One gate, from its start to its end; it is started once. */
export class Gate {
  readonly sessions: SessionRegistry;
  readonly lifecycle = new Lifecycle();
  readonly orders: Orders;
  readonly operations: Operations;
  readonly #heeding: Heeding;
  readonly #skew: SkewWatch;
  readonly #idleWatch: IdleWatch;
  readonly #options: GateOptions;
  readonly #judge: Judge;
  readonly #listeners: Listeners;
  readonly #handshakes: Handshakes;
  readonly #connections = new ConnectionCounts();
  readonly #turnedAway: TurnedAway;
  readonly #sources: Sources;
  readonly #held = new HeldClients();
  /** Told of every handshake and session that ends. */
  readonly #ends = new Changes();
  /** Aborts when sessions have no time left to end. */
  readonly #cut = new AbortController();
  /** Aborts when nothing is waited for any more. */
  readonly #forced = new AbortController();
  #engine = streams;
  #leaving = false;
  #stopping: Promise<void> | null = null;

  constructor(options: GateOptions) {
    const { clock, events, listen, random, transports, slots } = options;
    this.#options = options;
    this.#judge = new Judge(options);
    this.#listeners = new Listeners(listen, transports);
    this.sessions = new SessionRegistry({
      clock,
      slots: slots.sessions,
      onEnd: (session, end, slot) => this.#ended(session, end, slot),
      onFault: (error) => this.#noteFault(error),
    });
    this.orders = new Orders(clock, (order) => this.#heeding.noteLapsed(order));
    const { lifecycle, orders, sessions } = this;
    const { cluster, migration, settings } = options;
    this.#heeding = new Heeding({ orders, sessions, cluster, settings, clock, events });
    const onFault = (error: Error) => this.#noteFault(error);
    this.#skew = new SkewWatch({
      sessions,
      judge: this.#judge,
      settings,
      clock,
      migration,
      cluster,
      onFault,
    });
    this.#idleWatch = new IdleWatch({ sessions, clock, settings });
    const held = this.#held;
    this.operations = new Operations({
      ...{ orders, heeding: this.#heeding, sessions, cluster, settings, held, clock, random, events },
      addresses: () => this.#listeners.addresses,
    });
    const changing = [cluster, migration, lifecycle, settings, orders];
    const news = new AnyOf(
      changing.map(({ changes }) => changes),
      clock,
    );
    const more = { judge: this.#judge, lifecycle, news, orders, ramp: rampAfterUpgrades(options), sessions };
    this.#turnedAway = new TurnedAway(options);
    this.#sources = new Sources(options);
    this.#handshakes = new Handshakes(
      { ...options, ...more, waiting: slots.waiting, held },
      {
        slots: slots.handshakes,
        sources: this.#sources,
        turnedAway: this.#turnedAway,
        connections: this.#connections,
        log: (outcome, listener) => this.#logHandshake(outcome, listener),
        onEnd: () => this.#ends.notify(),
      },
    );
  }

  /** How it stands: a copy, which does not change. */
  status(): GateStatus {
    const { state } = this.lifecycle;
    return {
      state: state === 'serving' ? this.#servingState() : state,
      addresses: [...this.#listeners.addresses],
      servers: this.#options.cluster.status(),
      handshakes: this.#handshakes.count,
      sessions: this.sessions.count,
      sessionsByIdentity: new Map(this.sessions.byIdentity),
      held: this.#options.slots.waiting.used,
      heldBytes: this.#sources.held,
      heldFor: this.#held.counts(),
      slots: this.sessions.slots.used,
      connections: this.#connections.totals(),
    };
  }

  /** Who is held at this moment: those that came first, so many at most. */
  heldClients(most: number): HeldClient[] {
    return this.#held.list(most);
  }

  #servingState(): GateState {
    if (this.orders.gateDrain !== null) return 'drained';
    return this.orders.pause === null ? 'serving' : 'paused';
  }

  /** What a gate needs before anything runs on its clock; `start` does it too. @throws {HookError} */
  async prepare(): Promise<void> {
    await Promise.all([this.#options.migration.prepare(), this.#listeners.load()]);
  }

  /**
   * Learns the servers' versions, then listens, unless it is stopped before.
   * @throws {Error} if an address can't be bound, and nothing is left of it then
   * @throws {HookError}
   */
  async start(): Promise<void> {
    const { closing } = this.lifecycle;
    await this.prepare();
    if (closing.aborted) return;
    try {
      this.#engine = await this.#options.chooseEngine();
      await this.#listeners.check();
      if (!closing.aborted) await this.#options.cluster.start();
      if (!closing.aborted) await this.#options.migration.start();
      await this.#listeners.open(
        {
          accept: (connection, frontEnd, listener, handshake) =>
            this.#accept(connection, frontEnd, listener, handshake),
          track: (peer, listener, protocol) => this.#handshakes.track(peer, listener, protocol),
        },
        closing,
      );
    } catch (error) {
      // It never served, so its log tells of no end.
      this.#cut.abort();
      this.#stopping ??= this.#stop(() => {});
      await this.#stopping;
      throw error;
    }
    if (closing.aborted) return this.#listeners.close();
    this.lifecycle.serve();
    this.#skew.start();
    this.#idleWatch.start();
    this.#note('started');
  }

  /** Whether it is about to stop: it still takes clients, and should be sent none. */
  get isLeaving(): boolean {
    return this.#leaving;
  }

  /** Says that it is about to stop, to whoever asks whether it is ready. */
  leave(): void {
    this.#leaving = true;
  }

  /**
   * Takes no further clients, and lets those through that are on their way in, `ms` long at most: another gate takes
   * those who come now. Whoever is held is not waited for. `stop` is still to come.
   */
  async takeLast(ms: number, force?: AbortSignal): Promise<void> {
    await this.#listeners.stopListening();
    const limit = deadline(this.#options.clock, ms, force);
    while (this.#onTheirWay() > 0 && !limit.signal.aborted) await this.#ends.next(limit.signal);
    limit.clear();
  }

  /** Clients that nothing holds. */
  #onTheirWay(): number {
    const held = Object.values(this.status().heldFor).reduce((sum, count) => sum + count, 0);
    return this.#handshakes.count - held;
  }

  /**
   * Binds the listeners of another config.
   * @returns the change to them
   * @throws {Error} if one can't be bound, or the gate does not serve; nothing has changed then
   */
  async prepareListeners(entries: readonly ListenerEntry[]): Promise<Prepared> {
    const prepared = await this.#listeners.prepare(entries);
    if (!this.lifecycle.closing.aborted) return prepared;
    prepared.abandon();
    throw new Error('the gate stops');
  }

  /** Records that the process got a signal that does nothing. @param why names it, for people */
  noteIgnoredSignal(why: string): void {
    this.#note('signal-ignored', why);
  }

  /** Records that the process has no file descriptor left, or has some again. @param why for people; null: it has */
  noteDescriptors(why: string | null, lack: NonNullable<LifecycleEvent['lack']>): void {
    this.#note(why === null ? 'descriptors-left' : 'no-descriptors', why, { lack });
  }

  /**
   * Stops listening, refuses who waits, gives sessions `grace` ms (default: the drain time) to end, then closes
   * them. `force` cuts the grace short, and the wait for a ledger that does not answer. Called again, it can only
   * make the end come sooner.
   */
  async stop(grace: number = this.#options.settings.times.drain, force?: AbortSignal): Promise<void> {
    const limit = deadline(this.#options.clock, grace, force);
    onAbort(limit.signal, () => this.#cut.abort());
    onAbort(force, () => this.#forced.abort());
    this.#stopping ??= this.#stop((what) => this.#note(what));
    await this.#stopping.finally(() => limit.clear());
  }

  async #stop(note: (what: 'draining' | 'stopped') => void): Promise<void> {
    const { cluster, migration, clock } = this.#options;
    note('draining');
    this.lifecycle.drain();
    this.orders.stop();
    this.#heeding.stop();
    this.#skew.stop();
    this.#idleWatch.stop();
    await this.#listeners.close();
    await this.#idle(this.#cut.signal);
    this.sessions.closeWhere(() => GATE_STOPPED);
    await Promise.race([migration.stop(), aborted(this.#forced.signal)]);
    cluster.stop();
    const last = deadline(clock, LAST_ANSWERS, this.#forced.signal);
    await this.#idle(last.signal);
    last.clear();
    this.#turnedAway.flush();
    this.lifecycle.finish();
    note('stopped');
  }

  /** Resolves once nobody is connected, or when `signal` aborts. */
  async #idle(signal: CancelSignal): Promise<void> {
    while ((this.sessions.count > 0 || this.#handshakes.count > 0) && !signal.aborted)
      await this.#ends.next(signal);
  }

  #accept(connection: Connection, frontEnd: FrontEnd, listener: string, handshake?: PendingHandshake): void {
    const slot =
      handshake instanceof TrackedHandshake
        ? handshake.slot
        : this.#handshakes.enter(connection.peer, listener);
    // Before its protocol is looked at: a flood of them costs no more than that.
    if (slot === null) return connection.destroy();
    const client = frontEnd.accept(connection, slot);
    const end = (how: EndBeforeSession) => {
      slot.leave();
      this.#connections.end(how);
    };
    const begin = (outcome: Admitted | EndBeforeSession) => {
      if (typeof outcome === 'string') end(outcome);
      else this.#begin(client, slot, listener, outcome);
    };
    this.#handshakes
      .run(client, slot, listener)
      .then(begin)
      .catch((error) => {
        // A bug, or a message over the protocol's limits: this client is cut off, the others are not concerned.
        connection.destroy();
        end('fault');
        this.#noteFault(error);
      });
  }

  #begin(
    client: PendingClient,
    slot: SourceSlot,
    listener: string,
    { session, hello, identity, applicant, reached }: Admitted,
  ): void {
    const { id: server } = reached.server;
    const { link } = reached;
    this.#options.cluster.sessionStarted(server);
    const onto = client.onto?.(link.connection) ?? link.connection;
    const running = this.#engine.start(client.connection, onto, client.earlyData(), link.sinceHello);
    slot.arrived();
    const start = {
      session,
      client: hello.version,
      driver: hello.driver,
      properties: recordable(hello.properties, this.#options.settings.recordedProperties),
      identity,
      peer: client.connection.peer,
      listener,
      server,
    };
    this.sessions.begin(start, applicant, running, slot);
  }

  #ended(session: SessionView, end: End & SessionOver, slot: SourceSlot | null): void {
    const { cluster, events } = this.#options;
    slot?.leave();
    this.#connections.end(end.reason);
    cluster.sessionEnded(session.server);
    events.emit(sessionEndEvent(session, end));
    this.#ends.notify();
  }

  #logHandshake(outcome: Outcome, listener: string): void {
    const { events, settings } = this.#options;
    events.emit({ event: 'handshake', listener, ...outcome, policyHash: settings.policyHash });
  }

  #noteFault(error: Error): void {
    this.#note('fault', error.stack ?? error.message);
  }

  #note(
    what: LifecycleEvent['what'],
    error: string | null = null,
    more: Pick<LifecycleEvent, 'lack'> = {},
  ): void {
    const { settings, events } = this.#options;
    const { policyHash } = settings;
    const { addresses: listeners } = this.#listeners;
    events.emit({ event: 'gate', what, policyHash, listeners, error, ...more });
  }
}
