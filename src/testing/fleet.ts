/**
 * A fleet for a test of your own: gates and simulated servers in this process, on real loopback sockets at free
 * ports. When a method's promise resolves, every gate knows what it changed.
 */
import { type ConnectOptions, connectTo } from '../client/connect.ts';
import { RefusedError, type Session } from '../client/session.ts';
import { parseUrl } from '../client/url.ts';
import { policyOf } from '../config/policy.ts';
import type { Config } from '../config/schema.ts';
import type { HandshakeRecord } from '../decision/record.ts';
import type { Logged } from '../fleet/driver.ts';
import { Ledger } from '../migration/ledger/ledger.ts';
import { MemoryStore } from '../migration/ledger/memory.ts';
import { decide } from '../policy/decide.ts';
import type { Decision, Policy, ReceivedDecision } from '../policy/types.ts';
import { Changes } from '../ports/changes.ts';
import { realClock } from '../runtime/clock.ts';
import { realRuntime } from '../runtime/real.ts';
import type { Tables } from '../server/tables.ts';
import { compareVersions, parseVersion } from '../version/version.ts';
import { describeDecision } from './describe.ts';
import { FleetGate } from './gate.ts';
import type { FleetServer } from './server.ts';

/** A decision as a gate logged it. */
export type Decided = HandshakeRecord & { readonly time: string };

export interface ClientOptions extends ConnectOptions {
  /** Whether it may bring the upgrade of the system tables. Default: `may`. */
  readonly upgrade?: 'may' | 'must-not';
  /** Default: `tcp`. */
  readonly over?: 'tcp' | 'ws';
  /** Which gate it dials. Default: gate1. */
  readonly gate?: string;
  /** What else it says of itself, such as `name`. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface RollOptions {
  /** Ids, in the order in which they go. Default: all. */
  readonly servers?: readonly string[];
  /** How many at a time. Default: 1. */
  readonly batch?: number;
  /** What sessions get to end on a server that leaves, ms. Default: 0. */
  readonly graceMs?: number;
  /** Called after each batch, with the servers that are on the new version by then. */
  readonly afterEach?: (done: readonly string[]) => unknown;
}

/**
 * A mixed-version fleet inside a test, made by `startFleet`: simulated servers behind one or more gates, on free
 * ports. Disposing of it, or `close`, ends everything that it started.
 */
export class Fleet implements AsyncDisposable {
  readonly #servers: readonly FleetServer[];
  readonly #gates: readonly FleetGate[];
  readonly #tables: Tables | null;
  readonly #policy: Policy;
  readonly #ledger: Ledger;
  readonly #sessions = new Set<Session>();
  readonly #records: Logged[] = [];
  readonly #changes = new Changes();
  #closed: Promise<void> | null = null;

  private constructor(config: Config, servers: readonly FleetServer[], tables: Tables | null, gates: number) {
    const store = new MemoryStore(realClock);
    this.#servers = servers;
    this.#tables = tables;
    this.#policy = policyOf(config);
    this.#ledger = new Ledger(store, config.cluster, realClock);
    this.#gates = Array.from(
      { length: gates },
      (_, at) => new FleetGate(`gate${at + 1}`, config, store, (record) => this.#hear(record)),
    );
  }

  /** @param servers started or not. @throws after ending what was started. */
  static async start(
    config: Config,
    servers: readonly FleetServer[],
    tables: Tables | null,
    gates: number,
  ): Promise<Fleet> {
    const fleet = new Fleet(config, servers, tables, gates);
    try {
      await Promise.all(servers.map((server) => server.start()));
      for (const { gate } of fleet.#gates) await gate.start();
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  /** Version by server id; of a server that is down, its last one. */
  get servers(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#servers.map(({ id, version }) => [id, version]));
  }

  /** Schema level of the system tables; null: the servers keep none. */
  get level(): number | null {
    return this.#tables?.level ?? null;
  }

  /** Sessions that are open at the gates. */
  get sessions(): number {
    return this.#gates.reduce((sum, { gate }) => sum + gate.status().sessions, 0);
  }

  /** What was decided so far, oldest first. */
  get decisions(): readonly Decided[] {
    return this.#records.filter((record) => record.event === 'handshake');
  }

  /** The decision log so far, NDJSON, as a gate writes it: for a baseline. */
  get log(): readonly string[] {
    return this.#records.map((record) => `${JSON.stringify(record)}\n`);
  }

  /** Levels that upgrades of the system tables reached, in order. */
  async upgrades(): Promise<number[]> {
    const history = await this.#ledger.history();
    return history.flatMap(({ what, toLevel }) => (what === 'done' ? (toLevel ?? []) : []));
  }

  /** For any client that takes URLs: `skewgate://127.0.0.1:…/?version=…`. */
  url(version: string, { upgrade, over = 'tcp', gate = 'gate1', properties }: ClientOptions = {}): string {
    const address = this.#gate(gate)
      .address(over)
      .replace('tcp:', 'skewgate:')
      .replace('ws:', 'skewgate+ws:');
    const query = new URLSearchParams({ ...properties, version, ...(upgrade && { upgrade }) });
    return `${address}/?${query}`;
  }

  /** A client of this version. Its session ends with the fleet at the latest. @throws {RefusedError} */
  async connect(version: string, options: ClientOptions = {}): Promise<Session> {
    const session = await connectTo(parseUrl(this.url(version, options)), realRuntime, options);
    this.#sessions.add(session);
    // What becomes of it is the test's to look at, but need not be.
    session.on('error', () => {}).once('close', () => this.#sessions.delete(session));
    return session;
  }

  /** What a client of this version is told. It does not stay. */
  async attempt(version: string, options: ClientOptions = {}): Promise<ReceivedDecision> {
    try {
      const session = await this.connect(version, options);
      session.destroy();
      return session.decision;
    } catch (error) {
      if (error instanceof RefusedError) return error.decision;
      throw error;
    }
  }

  /** What the policy says of this version and the servers as they are, without a connection; nothing is logged. */
  explain(version: string, { upgrade = 'may' }: Pick<ClientOptions, 'upgrade'> = {}): Decision {
    const { servers } = this.#gate('gate1').cluster;
    return decide(
      { version: parseVersion(version), upgrade },
      { servers, level: this.level, upgrade: { state: 'idle' } },
      this.#policy,
      realClock.now(),
    );
  }

  /** The first decision, past or to come, that `matches`. @throws if there is none within `withinMs`. */
  async decision(matches: (decided: Decided) => boolean, withinMs = 5_000): Promise<Decided> {
    const limit = AbortSignal.timeout(withinMs);
    for (;;) {
      const found = this.decisions.find(matches);
      if (found !== undefined) return found;
      if (limit.aborted) {
        const seen = this.decisions.map(describeDecision).join('\n');
        throw new Error(`no such decision within ${withinMs} ms; there were:\n${seen || 'none'}`);
      }
      await this.#changes.next(limit);
    }
  }

  /** Restarts servers on another version, a batch at a time. */
  async roll(to: string, options: RollOptions = {}): Promise<void> {
    const { servers = Object.keys(this.servers), batch = 1, graceMs = 0, afterEach } = options;
    for (let at = 0; at < servers.length; at += batch) {
      const ids = servers.slice(at, at + batch);
      await Promise.all(ids.map((id) => this.#server(id).stop(graceMs)));
      await Promise.all(ids.map((id) => this.#server(id).start(to)));
      await this.#look();
      await afterEach?.(servers.slice(0, at + batch));
    }
  }

  /** Restarts one server on a newer version. @throws if it is not newer. */
  async upgrade(id: string, to: string): Promise<void> {
    this.#requireOrder(id, to, 1);
    await this.roll(to, { servers: [id] });
  }

  /** Restarts one server on an older version. @throws if it is not older. */
  async downgrade(id: string, to: string): Promise<void> {
    this.#requireOrder(id, to, -1);
    await this.roll(to, { servers: [id] });
  }

  /** A server goes in order; `graceMs`: what its sessions get to end. */
  async stop(id: string, { graceMs = 0 }: { graceMs?: number } = {}): Promise<void> {
    await this.#server(id).stop(graceMs);
    await this.#look();
  }

  /** A server that is down comes back, on another version if told so. */
  async start(id: string, version?: string): Promise<void> {
    await this.#server(id).start(version);
    await this.#look();
  }

  /** A server dies at once. */
  async kill(id: string): Promise<void> {
    await this.#server(id).kill();
    await this.#look();
  }

  /** The network between the gates and a server is gone, until it is healed. */
  async cut(id: string): Promise<void> {
    this.#server(id).cut();
    await this.#look();
  }

  async heal(id: string): Promise<void> {
    this.#server(id).heal();
    await this.#look();
  }

  /** Ends everything that belongs to it. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await Promise.all(this.#gates.map(({ gate }) => gate.stop(0)));
    await Promise.all(this.#servers.map((server) => server.close()));
    this.#tables?.close();
  }

  async #look(): Promise<void> {
    await Promise.all(this.#gates.map((gate) => gate.look()));
  }

  #hear(record: Logged): void {
    this.#records.push(record);
    this.#changes.notify();
  }

  #requireOrder(id: string, to: string, order: 1 | -1): void {
    const { version } = this.#server(id);
    if (Math.sign(compareVersions(parseVersion(to), parseVersion(version))) !== order)
      throw new RangeError(`${id} is on ${version}: ${to} is not ${order > 0 ? 'newer' : 'older'}`);
  }

  #server(id: string): FleetServer {
    return find(this.#servers, id, 'server');
  }

  #gate(id: string): FleetGate {
    return find(this.#gates, id, 'gate');
  }
}

function find<T extends { readonly id: string }>(list: readonly T[], id: string, what: string): T {
  const found = list.find((candidate) => candidate.id === id);
  if (found !== undefined) return found;
  throw new RangeError(`there is no ${what} ${id}: there are ${list.map((other) => other.id).join(', ')}`);
}
