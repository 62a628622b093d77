/**
 * A fleet on virtual time: gates, servers and clients run the code that real ones run, on one virtual clock, an
 * in-memory network and a seeded random source. Same scenario, same seed: the same log, byte for byte. What
 * truly happens is kept beside it (ground-truth.ts).
 */
import { policyOf } from '../config/policy.ts';
import { configSchema } from '../config/schema.ts';
import { createRecorder } from '../decision/log.ts';
import type { DecisionLog } from '../decision/record.ts';
import { buildGate } from '../gateway/build.ts';
import type { Gate } from '../gateway/gate.ts';
import { Ledger } from '../migration/ledger/ledger.ts';
import { MemoryStore } from '../migration/ledger/memory.ts';
import type { LedgerRecord } from '../migration/ledger/record.ts';
import type { Store } from '../migration/ledger/store.ts';
import type { Decision, Policy } from '../policy/types.ts';
import { pause } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Transport } from '../ports/transport.ts';
import { createSeeded } from '../runtime/seeded.ts';
import { UnendingError, VirtualClock } from '../runtime/virtual-clock.ts';
import { type SimulatedServer, startServer } from '../server/server.ts';
import { createMemoryTables, type Tables } from '../server/tables.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../transport/memory.ts';
import { levelOf } from '../version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../version/phoenix.ts';
import { parseVersion } from '../version/version.ts';
import { connectClient } from './connect-client.ts';
import type { ConnectResult, FleetDriver, Logged } from './driver.ts';
import { FAULTS, type Fault } from './faults.ts';
import { type ClientAttempt, GroundTruth, outcomeOf, pairOf, type TrueState } from './ground-truth.ts';
import { type Violation, violationsIn } from './invariants.ts';
import { LEDGER } from './names.ts';
import { NodeClock } from './node-clock.ts';
import { recordGrants, recordStore, recordTables } from './recording-store.ts';
import { createRemoteStore } from './remote-store.ts';
import type { Scenario } from './scenario.ts';
import { timerBudget } from './timer-budget.ts';

interface Node {
  readonly clock: NodeClock;
  readonly transport: Transport;
  /** When this process began. */
  readonly since: number;
}

interface ServerSlot {
  readonly id: string;
  version: string;
  node: Node | null;
  running: SimulatedServer | null;
  tables: (Tables & { died(): void }) | null;
  draining: boolean;
}

interface GateSlot {
  readonly id: string;
  node: Node | null;
  gate: Gate | null;
  draining: boolean;
}

/** ms of retransmission that a lost packet costs. */
const RETRANSMIT = 200;
/** ms that a process gets beyond the grace it was given, before it is killed. */
const KILL_AFTER = 1_000;
/** ms after which nothing that a stopped gate did is still under way. */
const SHUTDOWN_TAIL = 2_000;
/** What a gate's config says where the scenario does not. */
const DEFAULTS = configSchema.parse({
  listen: [{ tcp: '127.0.0.1:1' }],
  servers: [{ id: 'x', address: 'tcp://127.0.0.1:1' }],
});
/** No scenario takes more virtual time, ms. */
const LONGEST = 30 * 24 * 3_600_000;

/** A fleet on virtual time. Nothing runs before `start`; time passes only within `finish`. */
export class Simulation implements FleetDriver {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly lines: string[] = [];
  readonly records: Logged[] = [];
  readonly servers: ServerSlot[];
  readonly gates: GateSlot[];
  readonly tables: Tables | null;
  readonly ledger: Ledger;
  readonly truth = new GroundTruth();
  /** What the gates are meant to go by. */
  readonly policy: Policy;
  readonly scenario: Scenario;
  readonly #fault: Fault | null;
  readonly #network: MemoryNetwork;
  readonly #store: Store;
  readonly #cuts = new Set<string>();
  readonly #traces = new Map<string, Decision['trace']>();
  #record: LedgerRecord | null = null;
  #turn = 0;
  #unending: UnendingError | null = null;

  constructor(scenario: Scenario, seed = scenario.seed) {
    this.scenario = scenario;
    this.#fault = scenario.fault === undefined ? null : FAULTS[scenario.fault];
    this.policy = policyOf(scenario);
    this.random = createSeeded(seed);
    const { latency, loss } = scenario.network;
    this.#network = createMemoryNetwork(this.clock, {
      latency,
      jitter: () => (loss > 0 && this.random.next() < loss ? RETRANSMIT : 0),
    });
    const store = recordStore(new MemoryStore(this.clock), (record) => {
      this.#record = record;
      this.#note();
    });
    this.#store = this.#fault?.store?.(store, this.clock, scenario.migration.lease) ?? store;
    this.ledger = new Ledger(this.#store, 'main', this.clock);
    const { count, version, tables } = scenario.servers;
    this.tables = tables === undefined ? null : this.#createTables(tables);
    this.servers = Array.from({ length: count }, (_, at) => ({
      id: `rs${at + 1}`,
      version,
      node: null,
      running: null,
      tables: null,
      draining: false,
    }));
    this.gates = Array.from({ length: scenario.gates }, (_, at) => ({
      id: `gate${at + 1}`,
      node: null,
      gate: null,
      draining: false,
    }));
  }

  get serverIds(): string[] {
    return this.servers.map(({ id }) => id);
  }

  get gateIds(): string[] {
    return this.gates.map(({ id }) => id);
  }

  get level(): number | null {
    return this.tables?.level ?? null;
  }

  async finish<T>(promise: Promise<T>): Promise<T> {
    try {
      return await this.clock.until(promise, LONGEST, timerBudget(this.scenario));
    } catch (error) {
      if (error instanceof UnendingError) this.#unending = error;
      throw error;
    }
  }

  async start(): Promise<void> {
    for (const { id } of this.servers) await this.startServer(id);
    for (const { id } of this.gates) await this.startGate(id);
  }

  async startServer(id: string, version?: string): Promise<void> {
    const slot = this.#server(id);
    if (slot.running !== null) return;
    if (version !== undefined) slot.version = version;
    const node = this.#node(id);
    slot.node = node;
    slot.draining = false;
    slot.tables = this.tables && recordTables(this.tables, id, this.truth, node.clock, () => this.#note());
    slot.running = await startServer({
      id,
      version: parseVersion(slot.version),
      listen: `tcp://${id}:1`,
      transports: { tcp: node.transport },
      clock: node.clock,
      upgradeMs: this.scenario.servers.upgradeTime,
      ...(slot.tables && { tables: slot.tables }),
    });
    this.#note();
  }

  /** One that stands still does not hear that it should go: it is killed in the end. */
  async stopServer(id: string, grace: number): Promise<void> {
    const slot = this.#server(id);
    const { running, node } = slot;
    if (running === null || node === null) return;
    if (!node.clock.paused) {
      running.leave();
      slot.draining = true;
      this.#note();
      await Promise.race([running.idle(grace), pause(this.clock, grace + KILL_AFTER)]);
    } else await pause(this.clock, grace + KILL_AFTER);
    if (slot.running !== running) return;
    await running.close();
    this.#end(slot);
  }

  async startGate(id: string): Promise<void> {
    const slot = this.#gate(id);
    if (slot.gate !== null) return;
    const node = this.#node(id);
    const { policy, catalogue, migration, timeouts } = this.scenario;
    const store = recordGrants(this.#store, id, this.truth, this.clock);
    const remote = createRemoteStore(store, node.clock, () => this.#cuts.has(pairOf(id, LEDGER)));
    const { gate, cluster } = buildGate(
      {
        ...DEFAULTS,
        id,
        log: { ...DEFAULTS.log, trace: 'all' },
        listen: [{ tcp: `${id}:1` }],
        servers: this.servers.map((server) => ({ id: server.id, address: `tcp://${server.id}:1` })),
        policy: this.#fault?.policy?.(policy) ?? policy,
        ...(this.#fault?.times?.({ migration, timeouts }) ?? { migration, timeouts }),
        ...(catalogue && { catalogue }),
      },
      {
        clock: node.clock,
        random: this.random,
        transports: { tcp: node.transport },
        folder: '.',
        store: this.#fault?.remoteStore?.(remote) ?? remote,
        log: this.#log(id, node.clock),
        say: () => {},
      },
    );
    this.#fault?.cluster?.(cluster);
    Object.assign(slot, { node, gate, draining: false });
    this.#note();
    await gate.start();
  }

  /** One that stands still does not hear that it should go: it is killed in the end. */
  async stopGate(id: string): Promise<void> {
    const slot = this.#gate(id);
    const { gate, node } = slot;
    if (gate === null || node === null) return;
    slot.draining = true;
    this.#note();
    const late = pause(this.clock, this.scenario.timeouts.drain + KILL_AFTER);
    await Promise.race(node.clock.paused ? [late] : [gate.stop(), late]);
    if (slot.gate === gate) this.#end(slot);
  }

  kill(id: string): void {
    const slot = this.#slot(id);
    if (slot.node !== null) this.#end(slot);
  }

  async startNode(id: string): Promise<void> {
    await ('gate' in this.#slot(id) ? this.startGate(id) : this.startServer(id));
  }

  pause(id: string): void {
    this.#slot(id).node?.clock.pause();
    this.#note();
  }

  resume(id: string): void {
    this.#slot(id).node?.clock.resume();
    this.#note();
  }

  cut(a: string, b: string): void {
    this.#cuts.add(pairOf(a, b));
    this.#network.cut(a, b);
    this.#note();
  }

  heal(a: string, b: string): void {
    this.#cuts.delete(pairOf(a, b));
    this.#network.heal(a, b);
    this.#note();
  }

  async connect(client: string, version: string, upgrade: 'may' | 'must-not'): Promise<ConnectResult> {
    const attempt: ClientAttempt = {
      client,
      version,
      from: this.clock.now(),
      end: null,
      outcome: null,
      closed: null,
    };
    this.truth.attempts.push(attempt);
    const addresses = this.gates.map(
      (_, at) => `tcp://${this.gates[(this.#turn + at) % this.gates.length]?.id}:1`,
    );
    this.#turn++;
    const { clock } = this;
    const dependencies = { transports: { tcp: this.#network.at(client, clock) }, clock };
    const result = await connectClient(addresses, { name: client, version, upgrade }, dependencies);
    Object.assign(attempt, { end: this.clock.now(), outcome: outcomeOf(result) });
    if (result.kind === 'admitted')
      result.session.once('close', () => {
        attempt.closed = this.clock.now();
      });
    return result;
  }

  get open(): { sessions: number; handshakes: number } {
    const gates = this.gates.flatMap(({ gate }) => gate?.status() ?? []);
    return {
      sessions: gates.reduce((sum, { sessions }) => sum + sessions, 0),
      handshakes: gates.reduce((sum, { handshakes }) => sum + handshakes, 0),
    };
  }

  /** Timers of processes that live. */
  get timers(): number {
    return this.gates.reduce((sum, { node }) => sum + (node?.clock.pending ?? 0), 0);
  }

  async stop(): Promise<void> {
    this.truth.stoppedAt = this.clock.now();
    for (const { gate, node } of this.gates) {
      node?.clock.resume();
      await gate?.stop(0);
    }
    for (const slot of this.servers) this.#end(slot);
    await pause(this.clock, SHUTDOWN_TAIL);
    const held = this.gates.reduce((sum, { gate }) => sum + (gate?.status().held ?? 0), 0);
    const slots = this.gates.reduce((sum, { gate }) => sum + (gate?.status().slots ?? 0), 0);
    this.truth.left = { ...this.open, held, slots, timers: this.timers };
  }

  /** One whose time does not go on can't be asked anything. */
  async violations(): Promise<Violation[]> {
    if (this.#unending === null) return violationsIn(this);
    return [
      { invariant: 'waits-end', at: this.clock.now(), what: `it does not end: ${this.#unending.message}` },
    ];
  }

  #createTables(release: string): Tables {
    const catalogue = this.policy.kind === 'skew' ? this.policy.catalogue : PHOENIX_CATALOGUE;
    const tables = createMemoryTables(levelOf(catalogue, parseVersion(release)));
    return this.#fault?.tables?.(tables) ?? tables;
  }

  /** What a dead process was about to write is lost. */
  #log(gate: string, process: NodeClock): DecisionLog {
    const write = createRecorder((line) => {
      if (process.dead) return;
      const record = this.#withSharedTrace(JSON.parse(line) as Logged);
      this.records.push(record);
      this.truth.records.push({ gate, at: this.clock.now(), record });
      this.lines.push(line);
    }, process);
    return { write, close: async () => {} };
  }

  /** Most clients are judged alike: equal traces are kept once. */
  #withSharedTrace(record: Logged): Logged {
    if (record.event !== 'handshake') return record;
    const key = JSON.stringify(record.trace);
    const trace = this.#traces.get(key) ?? record.trace ?? [];
    this.#traces.set(key, trace);
    return Object.assign(record, { trace });
  }

  /** A state of the fleet begins. */
  #note(): void {
    const state: TrueState = {
      at: this.clock.now(),
      servers: this.servers.map(({ id, version, node, running, draining }) => ({
        id,
        log: { ...DEFAULTS.log, trace: 'all' },
        version: parseVersion(version),
        state: running === null ? 'down' : draining ? 'draining' : 'up',
        paused: node?.clock.paused ?? false,
      })),
      gates: this.gates.map(({ id, node, draining }) => ({
        id,
        log: { ...DEFAULTS.log, trace: 'all' },
        since: node?.since ?? null,
        draining,
        paused: node?.clock.paused ?? false,
      })),
      cuts: new Set(this.#cuts),
      level: this.level,
      record: this.#record,
    };
    this.truth.states.push(state);
  }

  #node(name: string): Node {
    const clock = new NodeClock(this.clock);
    return { clock, transport: this.#network.at(name, clock), since: this.clock.now() };
  }

  /** The process is gone, and what it had open with it. */
  #end(slot: ServerSlot | GateSlot): void {
    if (slot.node !== null) {
      slot.node.clock.kill();
      this.#network.remove(slot.id);
    }
    slot.node = null;
    slot.draining = false;
    if ('gate' in slot) slot.gate = null;
    else {
      slot.tables?.died();
      slot.tables = null;
      slot.running = null;
    }
    this.#note();
  }

  #server(id: string): ServerSlot {
    return this.servers.find((slot) => slot.id === id) as ServerSlot;
  }

  #gate(id: string): GateSlot {
    return this.gates.find((slot) => slot.id === id) as GateSlot;
  }

  #slot(id: string): ServerSlot | GateSlot {
    return this.#server(id) ?? this.#gate(id);
  }
}
