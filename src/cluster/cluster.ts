/**
 * The servers behind the gate: what is known of each, kept fresh by probes and by every handshake. A server
 * that is down keeps its last known version.
 */
import { type Purpose, type ServerIdentity, type ServerLink, UpstreamError } from '../backend/back-end.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { ServerFacts } from '../policy/types.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import { Changes } from '../ports/changes.ts';
import { type Clock, deadline } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Connection, UpgradeRequest } from '../ports/transport.ts';
import type { Transports } from '../transport/address.ts';
import { askAhead } from './ask-ahead.ts';
import { DescriptorsExhausted, dialServer } from './dial.ts';
import type { Finding } from './finding.ts';
import { Probes } from './probes.ts';
import { QuietServers } from './quiet.ts';
import { ledgersOf, SeenTokens } from './seen-tokens.ts';
import { ServerList } from './server-list.ts';
import { newsOf, type Standing, standingOf } from './server-news.ts';
import {
  countedState,
  type Observation,
  type ServerEntry,
  type ServerState,
  type ServerStatus,
  spell,
} from './server-state.ts';
import { type ServerView, viewOf } from './server-view.ts';
import { WarmPool } from './warm-pool.ts';

/** A server that was dialled and identified. */
export interface Reached {
  readonly server: ServerStatus;
  readonly link: ServerLink;
}

export interface ClusterTimes {
  /** ms for dialling and asking one server. */
  readonly dial: number;
  /** ms between probes of each server. */
  readonly probe: number;
}

export interface ClusterOptions {
  readonly servers: readonly ServerEntry[];
  readonly transports: Transports;
  readonly clock: Clock;
  /** As they are now. */
  readonly settings: { readonly times: ClusterTimes };
  /** Spreads probes in time; absent: they come at the interval exactly. */
  readonly jitter?: Random | undefined;
  /** Told of every change, and of what the first probe of each server gives, whatever it is. */
  readonly events: EventSink;
  /** Where several processes stand in front of the same servers. */
  readonly shared?: {
    /** Gets what each probe gave, and whatever else is new. */
    onFinding(finding: Finding): void;
  };
}

/**
 * The servers of one cluster as this gate knows them. It probes them at intervals, dials them for sessions and
 * upgrades, and counts the sessions of each. How a server speaks is its back end's.
 */
export class Cluster {
  readonly changes = new Changes();
  readonly #options: ClusterOptions;
  readonly #servers: ServerList;
  /** Of the servers whose config asks for it. */
  readonly #warm = new Map<ServerState, WarmPool>();
  #level: { value: number; askedAt: number } | null = null;
  readonly #tokens: SeenTokens;
  /** No server's `knownAt` is before this: it only grows. */
  #knownSince = Number.NEGATIVE_INFINITY;
  /** For whoever says when servers are asked, in place of `probe`. */
  readonly probes: Probes;
  readonly #quiet: QuietServers;
  #drained: ReadonlySet<string> = new Set();
  #stopping = new AbortController();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#tokens = new SeenTokens(options.events);
    this.#servers = new ServerList(options.servers);
    this.#fillPools();
    this.#quiet = new QuietServers(options.clock, (server, stated) => {
      const now = this.now();
      this.#recordObservation(server, now, this.#identified(server, now, stated));
    });
    this.probes = new Probes({
      servers: () => this.#servers.all,
      clock: options.clock,
      interval: () => options.settings.times.probe,
      jitter: options.jitter,
      ask: (server, isRound) => this.#ask(server, isRound),
    });
  }

  /** Of this cluster's clock: what `reportLevel` takes. */
  now(): number {
    return this.#options.clock.monotonic();
  }

  get servers(): readonly ServerStatus[] {
    return this.#servers.all;
  }

  /** What policy judges by: frozen, and the same list until something that is known of a server changes. */
  get facts(): readonly ServerFacts[] {
    return this.#servers.facts;
  }

  /** Every server as it is known now, copied. */
  status(): ServerView[] {
    return this.#servers.all.map(viewOf);
  }

  /** The schema level that a server reported last; null if none ever did. */
  get level(): number | null {
    return this.#level?.value ?? null;
  }

  /** The highest fencing token that a server said it saw; 0 if none did. */
  get token(): number {
    return this.#tokens.highest;
  }

  /** The ledgers whose gates asked servers for steps, as each server said last, with the highest token of each ledger. */
  get ledgers(): ReadonlyMap<string, number> {
    return ledgersOf(this.#servers.all);
  }

  /** Probes every server once, then at intervals until `stop`; where others may do it, from `probe` on. */
  async start(): Promise<void> {
    await this.refresh(0);
    if (this.#options.shared === undefined) this.probe();
  }

  /** Probes every server at intervals until `stop`. */
  probe(): void {
    this.probes.begin();
  }

  stop(): void {
    this.probes.stop();
    this.#stopping.abort();
    this.#quiet.stop();
    for (const pool of this.#warm.values()) pool.close();
  }

  /** Whether something known is older than `maxAge` ms: this process stood still, or was too busy to ask. */
  isStale(maxAge: number): boolean {
    const oldest = this.#options.clock.monotonic() - maxAge;
    if (this.#knownSince < oldest)
      this.#knownSince = this.#servers.all.reduce(
        (least, { knownAt }) => Math.min(least, knownAt),
        Number.POSITIVE_INFINITY,
      );
    return this.#knownSince < oldest;
  }

  /** Asks every server whose last answer to this process is older than `maxAge` ms: for somebody who waits for it. */
  refresh(maxAge: number): Promise<void> {
    return this.probes.refresh(maxAge);
  }

  /**
   * Asks those of `entries` that are not the cluster's yet.
   * @returns what `adopt` takes with them
   * @throws {DescriptorsExhausted} if this gate could not ask
   */
  ask(entries: readonly ServerEntry[]): Promise<Finding[]> {
    const { settings } = this.#options;
    const fresh = entries.filter((entry) => this.#servers.lookUp(entry.id)?.entry !== entry);
    const asked = fresh.map((entry) => {
      const { stated } = entry.backEnd;
      if (stated !== undefined)
        return { server: entry.id, askedAt: this.now(), identity: stated, error: null };
      return askAhead(entry, this.#options, settings.times.dial, this.#stopping.signal);
    });
    return Promise.all(asked);
  }

  /**
   * Replaces the servers by those of another config: the same object is the same server. One that is left out gets no
   * new session, and keeps those it has.
   * @param findings what `ask` found out of those that are new, or are to be reached in another way
   */
  adopt(entries: readonly ServerEntry[], findings: readonly Finding[]): void {
    for (const left of this.#servers.adopt(entries)) {
      this.#warm.get(left)?.close();
      this.#warm.delete(left);
      this.#quiet.forget(left);
    }
    this.#fillPools();
    this.#knownSince = Number.NEGATIVE_INFINITY;
    this.probes.lookAgain();
    for (const finding of findings) this.#apply(finding, true);
    this.changes.notify();
  }

  /**
   * The server with the fewest sessions among those that fit and take sessions; null if there is none.
   * @param fits asked of one server for all that policy does not tell from it
   * @param isOut whether a server is left out that fits
   */
  pick(
    fits: (server: ServerStatus) => boolean,
    isOut: (server: ServerStatus) => boolean = () => false,
  ): ServerStatus | null {
    return this.#servers.pick(fits, isOut);
  }

  /**
   * A server that was dialled and identified, for a session perhaps ahead of need. What it says, or that it says
   * nothing, is remembered.
   * @param request what a WebSocket client asks for; only transparent back ends hand it on
   * @throws {UpstreamError} if it can't be reached, or is not what is known of it by now
   */
  async reach(
    id: string,
    purpose: Purpose,
    signal: CancelSignal = this.#stopping.signal,
    request?: UpgradeRequest,
  ): Promise<Reached> {
    const server = this.#servers.find(id);
    const warm = purpose === 'session' ? this.#warm.get(server)?.take() : undefined;
    return warm ? { server, link: warm } : this.#dial(server, purpose, signal, request);
  }

  async #dial(
    server: ServerState,
    purpose: Purpose,
    signal: CancelSignal,
    request?: UpgradeRequest,
  ): Promise<Reached> {
    const { transports, clock, settings } = this.#options;
    const { id } = server;
    const limit = deadline(clock, settings.times.dial, signal);
    const askedAt = clock.monotonic();
    let connection: Connection | null = null;
    try {
      connection = await dialServer(transports, clock, server.address, {
        signal: limit.signal,
        request: server.entry.backEnd.isTransparent ? request : undefined,
      });
      const known = server.version !== null;
      const link = await server.entry.backEnd.identify(connection, purpose, known, limit.signal);
      if (!this.#servers.holds(server)) throw new Error('the config has no such server any more');
      if (link.identity !== null)
        this.#found({ server: id, askedAt, identity: link.identity, error: null }, purpose);
      return { server, link };
    } catch (error) {
      connection?.destroy();
      const { message } = error as Error;
      // A caller that gave up, or a gate that stops, says nothing about the server. A gate without descriptors does
      // not either: the server stays what it was, and what kept the gate from asking is noted.
      if (!signal.aborted && this.#servers.holds(server))
        if (error instanceof DescriptorsExhausted)
          this.#recordObservation(server, askedAt, { lastError: message });
        else this.#found({ server: id, askedAt, identity: null, error: message }, purpose);
      throw new UpstreamError(`${server.id} (${server.address}): ${message}`, { cause: error });
    } finally {
      limit.clear();
    }
  }

  /** Takes what another process of this gate found out; it is that one which tells of it. */
  learn(finding: Finding): void {
    // A process that reloaded its config earlier may know of one that is new.
    if (this.#servers.lookUp(finding.server) !== null) this.#apply(finding, false);
  }

  /**
   * Takes what another gate found out. Before a client is refused for it, this one asks the server itself.
   * @param finding its `askedAt` is a time before which the server was not asked
   * @param isTold whether this process tells of what is new, for this gate
   */
  hear(finding: Finding, isTold: boolean): void {
    const server = this.#servers.lookUp(finding.server);
    if (server === null) return;
    const { seenAt } = server;
    this.#apply(finding, isTold);
    server.seenAt = seenAt;
  }

  /** @throws if it is not what is known by now. */
  #found(finding: Finding, purpose: Purpose): void {
    const { server: id, askedAt, identity } = finding;
    const before = { changes: this.changes.count, token: this.token };
    const said = this.#apply(finding, true);
    const server = this.#servers.find(id);
    const isNew = this.changes.count !== before.changes || this.token !== before.token;
    if (askedAt >= server.knownAt && (isNew || purpose === 'probe')) this.#options.shared?.onFinding(finding);
    // This connection may lead to a process that is gone: who is judged by what is known must not be served by it.
    if (identity !== null && spell(said) !== spell(server))
      throw new Error(`it said ${spell(said)}, and ${spell(server)} when it was asked later`);
  }

  /** @param isOwn whether this process found it out, and tells of it */
  #apply({ server: id, askedAt, identity, error }: Finding, isOwn: boolean): Observation {
    const server = this.#servers.find(id);
    const said: Observation =
      identity === null ? { state: 'down', lastError: error } : this.#identified(server, askedAt, identity);
    if (!this.#quiet.has(server)) this.#recordObservation(server, askedAt, said, isOwn);
    // What was assumed since is no answer that is newer.
    else if (this.#quiet.dialled(server, askedAt, identity !== null))
      this.#recordObservation(server, this.now(), said, isOwn);
    return said;
  }

  #identified(
    { id, entry }: ServerState,
    askedAt: number,
    { version, draining, level, token, ledgers, protocol }: ServerIdentity,
  ): Observation {
    this.#tokens.record(id, token ?? 0);
    if (level !== null) this.reportLevel(level, askedAt);
    return {
      version,
      state: draining ? 'draining' : 'up',
      level,
      ledgers,
      protocol: protocol ?? entry.protocol,
    };
  }

  /** `askedAt`: an answer to an older question than the one known is stale, and ignored. */
  reportLevel(level: number, askedAt: number): void {
    if (this.#level !== null && askedAt < this.#level.askedAt) return;
    const changed = this.#level?.value !== level;
    this.#level = { value: level, askedAt };
    if (changed) this.changes.notify();
  }

  /** Has those servers that are up count as draining, and no others: operators want them to get no sessions. */
  drain(ids: ReadonlySet<string>): void {
    this.#drained = ids;
    for (const server of this.#servers.all)
      if (countedState(server, ids.has(server.id)) !== server.state) this.#count(server, standingOf(server));
  }

  sessionStarted(id: string): void {
    this.#servers.countSession(id, 1);
  }

  sessionEnded(id: string): void {
    this.#servers.countSession(id, -1);
  }

  async #ask(server: ServerState, isRound: boolean): Promise<void> {
    if (this.#quiet.has(server)) return this.#quiet.assume(server, isRound);
    await this.#dial(server, 'probe', this.#stopping.signal).then(
      ({ link }) => link.close(),
      () => {},
    );
  }

  /** As with levels, an answer to an older question than the one known is ignored. */
  #recordObservation(server: ServerState, askedAt: number, seen: Observation, isOwn = true): void {
    if (askedAt < server.knownAt) return;
    const before = standingOf(server);
    Object.assign(server, { lastError: null, said: seen.state ?? server.said }, seen);
    server.seenAt = this.#options.clock.monotonic();
    server.knownAt = askedAt;
    this.#count(server, before, isOwn);
  }

  /** Takes what changed of a server into account, and tells of it. @param isOwn whether sinks are told too */
  #count(server: ServerState, before: Standing, isOwn = true): void {
    server.state = countedState(server, this.#drained.has(server.id));
    this.#servers.update(server);
    this.#warm.get(server)?.observe();
    const news = newsOf(server, before);
    if (news === null) return;
    if (isOwn) this.#options.events.emit(news);
    this.changes.notify();
  }

  #fillPools(): void {
    for (const server of this.#servers.all) {
      const { entry } = server;
      const pool = {
        size: entry.warm ?? 0,
        clock: this.#options.clock,
        greet: () => this.#dial(server, 'session', this.#stopping.signal).then(({ link }) => link),
        isUp: () => server.state === 'up',
        isCurrent: ({ version, protocol }: ServerIdentity) =>
          spell({ version, protocol: protocol ?? entry.protocol }) === spell(server),
      };
      if (pool.size > 0 && !this.#warm.has(server)) this.#warm.set(server, new WarmPool(pool));
    }
  }
}
