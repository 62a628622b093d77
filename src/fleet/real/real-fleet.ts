/**
 * A fleet of real processes: gates and servers are children that run this package's own command, clients are in
 * this process, and between them are loopback sockets, TCP and WebSocket in turn. Each gate reaches each server
 * over a link of this process, which can be cut.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { policyOf } from '../../config/policy.ts';
import { Ledger } from '../../migration/ledger/ledger.ts';
import { openStore, parseLedgerAddress } from '../../migration/ledger/registry.ts';
import type { Store } from '../../migration/ledger/store.ts';
import { randomId } from '../../ports/random.ts';
import { realClock } from '../../runtime/clock.ts';
import { realRandom } from '../../runtime/random.ts';
import { realRuntime } from '../../runtime/real.ts';
import { openTables, type Tables } from '../../server/tables.ts';
import { levelOf } from '../../version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../version/phoenix.ts';
import { parseVersion } from '../../version/version.ts';
import { type ClientIdentity, connectClient } from '../connect-client.ts';
import type { ClientProgram, ConnectResult, FleetDriver, FleetSession, Logged } from '../driver.ts';
import { LEDGER } from '../names.ts';
import type { Scenario } from '../scenario.ts';
import { connectProgram } from './client-program.ts';
import { RealGate } from './gate.ts';
import type { Link } from './link.ts';
import { LogReader } from './log-reader.ts';
import type { ManagedProcess } from './managed-process.ts';
import { RealServer } from './server.ts';

export interface RealFleetOptions {
  /** Where relative paths of the scenario start; default: where this process runs. */
  readonly folder?: string;
  /** One line for the person who watches, such as of a process that ended by itself. */
  readonly say?: (line: string) => void;
}

/** What gates and servers get to end in order when the fleet stops, ms. */
const LAST_GRACE = 2_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Nothing runs before `start`. @throws for a scenario that only virtual time can honour. */
export function createRealFleet(scenario: Scenario, options: RealFleetOptions = {}): RealFleet {
  if (scenario.fault !== undefined)
    throw new Error(`fault: ${scenario.fault}: real processes have no faults planted`);
  return new RealFleet(scenario, options);
}

/** A fleet of real processes. It is stopped by `stop`, at the end of its scope, or when this process is told to end. */
export class RealFleet implements FleetDriver, AsyncDisposable {
  readonly clock = realClock;
  readonly ledger: Ledger;
  readonly #folder: string;
  readonly #store: Store;
  readonly #tables: Tables | null;
  readonly #servers: readonly RealServer[];
  readonly #gates: readonly RealGate[];
  readonly #log: LogReader;
  readonly #base: string;
  readonly #drain: number;
  readonly #sessions = new Set<FleetSession>();
  readonly #over = new AbortController();
  #level: number | null = null;
  #arriving = 0;
  #turn = 0;
  #stopped: Promise<void> | null = null;

  constructor(scenario: Scenario, { folder: base = '.', say = () => {} }: RealFleetOptions) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'skewgate-fleet-'));
    this.#folder = folder;
    this.#base = path.resolve(base);
    this.#drain = scenario.timeouts.drain;
    process.once('exit', this.#clean);
    for (const signal of SIGNALS) process.on(signal, this.#interrupted);
    const over = this.#over.signal;
    const { ledger, cluster } = ledgerOf(scenario, folder);
    this.#store = openStore(ledger, { folder, clock: realClock });
    this.ledger = new Ledger(this.#store, cluster, realClock);
    const { count, tables: release, command } = scenario.servers;
    const where = { folder, base: path.resolve(base) };
    const simulated = command === undefined && release !== undefined;
    const tables = simulated ? { file: path.join(folder, 'tables.db'), release } : null;
    const policy = policyOf(scenario);
    const catalogue = policy.kind === 'skew' ? policy.catalogue : PHOENIX_CATALOGUE;
    this.#tables = tables && openTables(tables.file, levelOf(catalogue, parseVersion(tables.release)));
    this.#servers = numbered('rs', count).map((id, at) => {
      const onMove = (port: number | null) => {
        for (const gate of this.#gates) gate.pointTo(id, port);
      };
      const scheme = at % 2 === 0 ? 'tcp' : 'ws';
      return new RealServer({ id, scheme, stated: scenario.servers, ...where, tables, onMove, say, over });
    });
    this.#gates = numbered('gate', scenario.gates).map((id) => {
      const onDown = () => this.#log.forget(id);
      return new RealGate({ id, scenario, cluster, ledger, ...where, onDown, say, over });
    });
    this.#log = new LogReader(Object.fromEntries(this.#gates.map(({ id, log }) => [id, log])));
  }

  get serverIds(): string[] {
    return this.#servers.map(({ id }) => id);
  }

  get gateIds(): string[] {
    return this.#gates.map(({ id }) => id);
  }

  get records(): readonly Logged[] {
    return this.#log.records;
  }

  get lines(): readonly string[] {
    return this.#log.lines;
  }

  get level(): number | null {
    if (this.#stopped === null) this.#level = this.#tables?.level ?? null;
    return this.#level;
  }

  get open(): { sessions: number; handshakes: number } {
    const alive = this.#gates.filter(({ process }) => process.running);
    return {
      sessions: alive.reduce((sum, { id }) => sum + this.#log.sessions(id), 0),
      handshakes: this.#arriving,
    };
  }

  /** `SKEWGATE_GATE1` and so on, as clients dial them; the ledger as `skewgate migration` takes it. */
  get environment(): Record<string, string> {
    const gates = this.#gates.flatMap(({ id, addresses }) =>
      addresses[0] === undefined
        ? []
        : [[`SKEWGATE_${id.toUpperCase()}`, addresses[0].replace('tcp:', 'skewgate:')]],
    );
    const { url, cluster } = this.ledger;
    return { ...Object.fromEntries(gates), SKEWGATE_LEDGER: url, SKEWGATE_CLUSTER: cluster };
  }

  /** Time passes by itself. If it fails, nothing goes on running. */
  async finish<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async start(): Promise<void> {
    for (const gate of this.#gates) await gate.prepare(this.#servers);
    await Promise.all(this.#servers.map((server) => server.start()));
    await Promise.all(this.#gates.map((gate) => gate.start()));
  }

  startServer(id: string, version?: string): Promise<void> {
    return this.#server(id).start(version);
  }

  stopServer(id: string, grace: number): Promise<void> {
    return this.#server(id).process.stop(grace);
  }

  stopGate(id: string): Promise<void> {
    return this.#process(id).stop(this.#drain + LAST_GRACE);
  }

  kill(id: string): void {
    this.#process(id).kill();
  }

  startNode(id: string): Promise<void> {
    return (this.#gates.find((gate) => gate.id === id) ?? this.#server(id)).start();
  }

  pause(id: string): void {
    this.#process(id).pause();
  }

  resume(id: string): void {
    this.#process(id).resume();
  }

  /** @throws always */
  setClock(id: string): void {
    throw new Error(`${id}: real processes of one machine have one clock`);
  }

  cut(a: string, b: string): void {
    for (const link of this.#links(a, b)) link.cut();
  }

  heal(a: string, b: string): void {
    for (const link of this.#links(a, b)) link.heal();
  }

  /** @throws always */
  async loseLedger(): Promise<void> {
    throw new Error('the ledger of real processes is not lost here');
  }

  async connect(
    name: string,
    version: string,
    upgrade: 'may' | 'must-not',
    program?: ClientProgram,
  ): Promise<ConnectResult> {
    this.#arriving++;
    const who = { name, version, upgrade };
    const over = this.#over.signal;
    try {
      const outcome = program
        ? await this.#send(program, who)
        : await connectClient(this.#addresses(), { ...who, signal: over }, realRuntime);
      if (outcome.kind === 'admitted') this.#keep(outcome.session);
      return outcome;
    } finally {
      this.#arriving--;
    }
  }

  stop(): Promise<void> {
    if (this.#stopped === null) {
      // Read once more: what is asked for after the end is what was true at the end.
      void this.level;
      this.#stopped = this.#stop();
    }
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#over.abort();
    const sessions = [...this.#sessions];
    const closed = sessions.map((session) => new Promise<void>((resolve) => session.on('close', resolve)));
    for (const session of sessions) session.destroy();
    await Promise.all(closed);
    for (const { process } of [...this.#gates, ...this.#servers]) process.resume();
    for (const nodes of [this.#gates, this.#servers])
      await Promise.all(nodes.map(({ process }) => process.stop(LAST_GRACE)));
    for (const gate of this.#gates) gate.close();
    this.#log.close();
    this.#tables?.close();
    await this.#store.close();
    process.off('exit', this.#clean);
    for (const signal of SIGNALS) process.off(signal, this.#interrupted);
    this.#clean();
  }

  readonly #clean = () => rmSync(this.#folder, { recursive: true, force: true });

  /** Whoever else listens for the signal decides what becomes of this process; nobody: it ends. */
  readonly #interrupted = (signal: NodeJS.Signals) => {
    void this.stop().finally(() => {
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  };

  /** Runs a program as a client. Gates that are down are passed over; what it does about others is its own. */
  async #send({ command, handshake }: ClientProgram, who: ClientIdentity): Promise<ConnectResult> {
    const turn = this.#turn++;
    const gates = this.#gates.map((_, at) => this.#gates[(turn + at) % this.#gates.length] as RealGate);
    const [gate] = gates.flatMap(
      (one) => (handshake ? one.addresses[0] : one.assumedAddress(who.version)) ?? [],
    );
    if (gate === undefined) return { kind: 'lost', error: new Error('there is no gate') };
    const [folder, over] = [this.#base, this.#over.signal];
    return connectProgram(gate, { ...who, command, folder, records: () => this.records, over });
  }

  /** So that no gate waits for it at the end. */
  #keep(session: FleetSession): void {
    this.#sessions.add(session);
    session.on('close', () => this.#sessions.delete(session));
    if (this.#over.signal.aborted) session.destroy();
  }

  /** Every gate once, each client beginning with the next one, and each time at another of its listeners. */
  *#addresses(): Generator<string> {
    const count = this.#gates.length;
    const turn = this.#turn++;
    for (let tries = 0; tries < count; tries++) {
      const { addresses } = this.#gates[(turn + tries) % count] as RealGate;
      const address = addresses[Math.floor(turn / count) % addresses.length];
      if (address !== undefined) yield address;
    }
  }

  #server(id: string): RealServer {
    const server = this.#servers.find((candidate) => candidate.id === id);
    if (server === undefined) throw new Error(`there is no server ${id}`);
    return server;
  }

  #process(id: string): ManagedProcess {
    return (this.#gates.find((gate) => gate.id === id) ?? this.#server(id)).process;
  }

  /** @throws if there is nothing between these two that could be cut. */
  #links(a: string, b: string): readonly Link[] {
    const links = this.#gates.flatMap((gate) =>
      gate.id === a ? gate.links(b, LEDGER) : gate.id === b ? gate.links(a, LEDGER) : [],
    );
    if (links.length > 0) return links;
    throw new Error(
      `${a} and ${b}: with real processes, links can be cut between a gate and a server, or a gate and a ledger in etcd`,
    );
  }
}

/** Gates of several processes share a ledger, so one in memory can't do. In a file: this run's own. */
function ledgerOf({ migration }: Scenario, folder: string): { ledger: string; cluster: string } {
  if (parseLedgerAddress(migration.ledger).kind.shared !== 'network')
    return { ledger: `sqlite:${path.join(folder, 'ledger.db')}`, cluster: 'main' };
  return { ledger: migration.ledger, cluster: `scenario-${randomId(realRandom)}` };
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);
}
