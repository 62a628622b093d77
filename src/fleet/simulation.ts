/**
 * A fleet on virtual time: gates, servers and clients run the code that real ones run, on one virtual clock, an
 * in-memory network and a seeded random source. The same scenario and seed give the same log, byte for byte. What truly
 * happens is kept beside it (ground-truth.ts). Its machines are in `virtual/`.
 */
import { policyOf } from '../config/policy.ts';
import { Ledger } from '../migration/ledger/ledger.ts';
import type { LedgerRecord } from '../migration/ledger/record.ts';
import type { Store } from '../migration/ledger/store.ts';
import type { Policy } from '../policy/types.ts';
import { pause } from '../ports/clock.ts';
import { createSeeded } from '../runtime/seeded.ts';
import { UnendingError, VirtualClock } from '../runtime/virtual-clock.ts';
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
import { LEDGER, numbered } from './names.ts';
import { recordStore } from './recording-store.ts';
import type { Scenario } from './scenario.ts';
import { timerBudget } from './timer-budget.ts';
import { VirtualGate } from './virtual/gate.ts';
import { type LedgerLoss, VirtualLedgerStore } from './virtual/ledger-store.ts';
import { FleetLog } from './virtual/log.ts';
import type { SharedParts, VirtualNode } from './virtual/node.ts';
import { VirtualServer } from './virtual/server.ts';

/** ms of retransmission that a lost packet costs. */
const RETRANSMIT = 200;
/** ms after which nothing that a stopped gate did is still under way. */
const SHUTDOWN_TAIL = 2_000;
/** As a config names the cluster where it says nothing. */
const CLUSTER = 'main';
/** No scenario takes more virtual time, ms. */
const LONGEST = 30 * 24 * 3_600_000;

/** A fleet on virtual time. Nothing runs before `start`; time passes only within `finish`. */
export class Simulation implements FleetDriver {
  readonly clock = new VirtualClock();
  readonly truth = new GroundTruth();
  readonly ledger: Ledger;
  /** What the gates are meant to go by. */
  readonly policy: Policy;
  readonly scenario: Scenario;
  readonly #fault: Fault | null;
  readonly #kept = new VirtualLedgerStore(this.clock, CLUSTER);
  readonly #network: MemoryNetwork;
  readonly #tables: Tables | null;
  readonly #servers: readonly VirtualServer[];
  readonly #gates: readonly VirtualGate[];
  readonly #log = new FleetLog(this.clock, this.truth);
  readonly #cuts = new Set<string>();
  #record: LedgerRecord | null = null;
  #turn = 0;
  #unending: UnendingError | null = null;

  constructor(scenario: Scenario, seed = scenario.seed) {
    this.scenario = scenario;
    this.#fault = scenario.fault === undefined ? null : FAULTS[scenario.fault];
    this.policy = policyOf(scenario);
    const random = createSeeded(seed);
    const { latency, loss } = scenario.network;
    this.#network = createMemoryNetwork(this.clock, {
      latency,
      jitter: () => (loss > 0 && random.next() < loss ? RETRANSMIT : 0),
    });
    const { count, version, tables } = scenario.servers;
    this.#tables = tables === undefined ? null : this.#createTables(tables);
    const store = this.#createStore();
    this.ledger = new Ledger(store, CLUSTER, this.clock, () => `made by an operator at ${this.clock.now()}`);
    const shared: SharedParts = {
      scenario,
      clock: this.clock,
      random,
      network: this.#network,
      truth: this.truth,
      tables: this.#tables,
      fault: this.#fault,
      note: () => this.#note(),
    };
    this.#servers = numbered('rs', count).map((id) => new VirtualServer(id, version, shared));
    const parts = {
      ...shared,
      serverIds: this.serverIds,
      store,
      leases: new Map<number, number>(),
      isCutOff: (gate: string) => this.#cuts.has(pairOf(gate, LEDGER)),
      openLog: this.#log.open.bind(this.#log),
    };
    this.#gates = numbered('gate', scenario.gates).map((id) => new VirtualGate(id, parts));
  }

  get serverIds(): string[] {
    return this.#servers.map(({ id }) => id);
  }

  get gateIds(): string[] {
    return this.#gates.map(({ id }) => id);
  }

  get lines(): readonly string[] {
    return this.#log.lines;
  }

  get records(): readonly Logged[] {
    return this.#log.records;
  }

  get level(): number | null {
    return this.#tables?.level ?? null;
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
    for (const node of this.#nodes) await node.start();
  }

  async startServer(id: string, version?: string): Promise<void> {
    await this.#server(id).start(version);
  }

  async stopServer(id: string, grace: number): Promise<void> {
    await this.#server(id).stop(grace);
  }

  async stopGate(id: string): Promise<void> {
    await this.#gates.find((gate) => gate.id === id)?.stop();
  }

  kill(id: string): void {
    const node = this.#node(id);
    if (node.process !== null) node.end();
  }

  async startNode(id: string): Promise<void> {
    await this.#node(id).start();
  }

  pause(id: string): void {
    this.#node(id).pause();
  }

  resume(id: string): void {
    this.#node(id).resume();
  }

  setClock(id: string, skew: number): void {
    this.#node(id).setClock(skew);
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

  async loseLedger(loss: LedgerLoss): Promise<void> {
    const text = await this.#kept.lose(loss);
    if (text === undefined) return;
    this.#record = text === null ? null : (JSON.parse(text) as LedgerRecord);
    this.#note();
    const { history, states, writes, losses } = this.truth;
    const state = states.at(-1) as TrueState;
    losses.push({ at: state.at, entries: history.length, writes: writes.length, state });
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
    const { clock, gateIds } = this;
    const addresses = gateIds.map((_, at) => `tcp://${gateIds[(this.#turn + at) % gateIds.length]}:1`);
    this.#turn++;
    const dependencies = { transports: { tcp: this.#network.at(client, clock) }, clock };
    const result = await connectClient(addresses, { name: client, version, upgrade }, dependencies);
    Object.assign(attempt, { end: this.clock.now(), outcome: outcomeOf(result) });
    if (result.kind === 'admitted')
      result.session.on('close', () => {
        attempt.closed = this.clock.now();
      });
    return result;
  }

  get open(): { sessions: number; handshakes: number } {
    return { sessions: this.#sum('sessions'), handshakes: this.#sum('handshakes') };
  }

  async stop(): Promise<void> {
    this.truth.stoppedAt = this.clock.now();
    for (const gate of this.#gates) await gate.stopNow();
    for (const server of this.#servers) server.end();
    await pause(this.clock, SHUTDOWN_TAIL);
    const timers = this.#gates.reduce((sum, { process }) => sum + (process?.clock.pending ?? 0), 0);
    this.truth.left = { ...this.open, held: this.#sum('held'), slots: this.#sum('slots'), timers };
  }

  /** A fleet whose time does not go on can't be asked anything. */
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

  #createStore(): Store {
    const store = recordStore(this.#kept, (text, added) => {
      const record = JSON.parse(text) as LedgerRecord;
      const entries = added.map((entry) => ({ ...entry, at: this.clock.now() }));
      this.truth.writes.push({
        at: this.clock.now(),
        gate: null,
        text,
        entries,
        before: this.#record,
        after: record,
      });
      this.truth.history.push(...entries);
      this.#record = record;
      this.#note();
    });
    return this.#fault?.store?.(store, this.clock, this.scenario.migration.lease) ?? store;
  }

  /** A state of the fleet begins. */
  #note(): void {
    this.truth.states.push({
      at: this.clock.now(),
      servers: this.#servers.map(({ id, version, isUp, draining, paused }) => ({
        id,
        version,
        state: isUp ? (draining ? 'draining' : 'up') : 'down',
        paused,
      })),
      gates: this.#gates.map(({ id, process, draining, paused }) => ({
        id,
        since: process?.since ?? null,
        draining,
        paused,
        skew: process?.clock.skew ?? 0,
      })),
      cuts: new Set(this.#cuts),
      level: this.level,
      record: this.#record,
    });
  }

  #sum(what: 'sessions' | 'handshakes' | 'held' | 'slots'): number {
    return this.#gates.reduce((sum, { status }) => sum + (status?.[what] ?? 0), 0);
  }

  get #nodes(): readonly VirtualNode[] {
    return [...this.#servers, ...this.#gates];
  }

  #server(id: string): VirtualServer {
    return this.#servers.find((server) => server.id === id) as VirtualServer;
  }

  #node(id: string): VirtualNode {
    return this.#nodes.find((node) => node.id === id) as VirtualNode;
  }
}
