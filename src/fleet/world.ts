/**
 * A fleet on virtual time: gates, servers and clients run the code that real ones run, on one virtual clock, an
 * in-memory network and a seeded random source. Same scenario, same seed: the same log, byte for byte.
 */
import { Writable } from 'node:stream';
import { ConnectError, connectTo } from '../client/connect.ts';
import { RefusedError } from '../client/session.ts';
import { configSchema } from '../config/schema.ts';
import { buildGate } from '../gateway/build.ts';
import type { Gate } from '../gateway/gate.ts';
import { Ledger } from '../migration/ledger/ledger.ts';
import { createMemoryStore } from '../migration/ledger/memory.ts';
import type { Store } from '../migration/ledger/store.ts';
import type { Random } from '../ports/random.ts';
import { createSeeded } from '../ports/seeded.ts';
import type { Transport } from '../ports/transport.ts';
import { type SimulatedServer, startServer } from '../server/server.ts';
import { createMemoryTables, type Tables } from '../server/tables.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../transport/memory.ts';
import { VirtualClock } from '../transport/virtual-clock.ts';
import { levelOf } from '../version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../version/phoenix.ts';
import { parseVersion } from '../version/version.ts';
import type { Attempt, FleetDriver, Logged } from './driver.ts';
import { NodeClock } from './node.ts';
import type { Scenario } from './scenario.ts';
import { createRemoteStore } from './store.ts';

interface Node {
  readonly name: string;
  readonly clock: NodeClock;
  readonly transport: Transport;
}

interface ServerSlot {
  readonly id: string;
  version: string;
  node: Node | null;
  running: SimulatedServer | null;
}

interface GateSlot {
  readonly id: string;
  node: Node | null;
  gate: Gate | null;
}

/** ms of retransmission that a lost packet costs. */
const RETRANSMIT = 200;
/** No scenario takes more virtual time, ms. */
const LONGEST = 30 * 24 * 3_600_000;

export class World implements FleetDriver {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly lines: string[] = [];
  readonly records: Logged[] = [];
  readonly servers: ServerSlot[];
  readonly gates: GateSlot[];
  readonly tables: Tables | null;
  readonly ledger: Ledger;
  readonly #scenario: Scenario;
  readonly #network: MemoryNetwork;
  readonly #store: Store;
  #turn = 0;

  /** @param wrap puts another store in place of the ledger's, such as one with a planted fault. */
  constructor(
    scenario: Scenario,
    seed = scenario.seed,
    wrap: (store: Store, clock: VirtualClock) => Store = (store) => store,
  ) {
    this.#scenario = scenario;
    this.random = createSeeded(seed);
    const { latency, loss } = scenario.network;
    this.#network = createMemoryNetwork(this.clock, {
      latency,
      jitter: () => (loss > 0 && this.random.next() < loss ? RETRANSMIT : 0),
    });
    this.#store = wrap(createMemoryStore(this.clock), this.clock);
    this.ledger = new Ledger(this.#store, 'main', this.clock);
    const { count, version, tables } = scenario.servers;
    this.tables =
      tables === undefined ? null : createMemoryTables(levelOf(PHOENIX_CATALOGUE, parseVersion(tables)));
    this.servers = Array.from({ length: count }, (_, at) => ({
      id: `rs${at + 1}`,
      version,
      node: null,
      running: null,
    }));
    this.gates = Array.from({ length: scenario.gates }, (_, at) => ({
      id: `gate${at + 1}`,
      node: null,
      gate: null,
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

  finish<T>(promise: Promise<T>): Promise<T> {
    return this.clock.until(promise, LONGEST);
  }

  async start(): Promise<void> {
    for (const { id } of this.servers) await this.startServer(id);
    for (const { id } of this.gates) await this.startGate(id);
  }

  async startServer(id: string, version?: string): Promise<void> {
    const slot = this.#server(id);
    if (version !== undefined) slot.version = version;
    if (slot.running !== null) return;
    const node = this.#node(id);
    slot.node = node;
    slot.running = await startServer({
      id,
      version: parseVersion(slot.version),
      listen: `tcp://${id}:1`,
      transports: { tcp: node.transport },
      clock: node.clock,
      upgradeMs: this.#scenario.servers.upgradeTime,
      ...(this.tables && { tables: this.tables }),
    });
  }

  async stopServer(id: string, grace: number): Promise<void> {
    const slot = this.#server(id);
    if (slot.running === null) return;
    slot.running.leave();
    await slot.running.idle(grace);
    await slot.running.close();
    this.#forget(slot);
    slot.running = null;
  }

  async startGate(id: string): Promise<void> {
    const slot = this.#gate(id);
    if (slot.gate !== null) return;
    const node = this.#node(id);
    const { policy, catalogue, migration, timeouts } = this.#scenario;
    const { gate } = buildGate(
      {
        ...configSchema.parse({
          listen: [{ tcp: '127.0.0.1:1' }],
          servers: [{ id: 'x', address: 'tcp://127.0.0.1:1' }],
        }),
        listen: [{ tcp: `${id}:1` }],
        servers: this.servers.map((server) => ({ id: server.id, address: `tcp://${server.id}:1` })),
        policy,
        migration,
        timeouts,
        ...(catalogue && { catalogue }),
      },
      {
        clock: node.clock,
        random: this.random,
        transports: { tcp: node.transport },
        folder: '.',
        store: createRemoteStore(this.#store, node.clock),
        stdout: this.#collector(id),
        say: () => {},
      },
    );
    slot.node = node;
    slot.gate = gate;
    await gate.start();
  }

  kill(id: string): void {
    const slot = this.#slot(id);
    slot.node?.clock.kill();
    this.#forget(slot);
    if ('gate' in slot) slot.gate = null;
    else slot.running = null;
  }

  async revive(id: string): Promise<void> {
    const slot = this.#slot(id);
    await ('gate' in slot ? this.startGate(id) : this.startServer(id));
  }

  pause(id: string): void {
    this.#slot(id).node?.clock.pause();
  }

  resume(id: string): void {
    this.#slot(id).node?.clock.resume();
  }

  cut(a: string, b: string): void {
    this.#network.cut(a, b);
  }

  heal(a: string, b: string): void {
    this.#network.heal(a, b);
  }

  async connect(client: string, version: string, upgrade: 'may' | 'must-not'): Promise<Attempt> {
    const transport = this.#network.at(client, this.clock);
    let error = new Error('there is no gate');
    for (let tries = 0; tries < this.gates.length; tries++) {
      const { id } = this.gates[this.#turn++ % this.gates.length] as GateSlot;
      try {
        const session = await connectTo(
          {
            address: `tcp://${id}:1`,
            hello: { version, driver: 'fleet', upgrade, properties: { name: client } },
          },
          { tcp: transport },
        );
        session.resume();
        return { kind: 'admitted', session };
      } catch (failure) {
        if (failure instanceof RefusedError) return { kind: 'refused', error: failure };
        error = failure as Error;
        if (!(failure instanceof ConnectError)) break;
      }
    }
    return { kind: 'lost', error };
  }

  get open(): { sessions: number; handshakes: number } {
    const gates = this.gates.flatMap(({ gate }) => gate ?? []);
    return {
      sessions: gates.reduce((sum, gate) => sum + gate.sessions, 0),
      handshakes: gates.reduce((sum, gate) => sum + gate.handshakes, 0),
    };
  }

  async stop(): Promise<void> {
    for (const { gate, node } of this.gates) {
      node?.clock.resume();
      await gate?.stop(0);
    }
    for (const { id } of this.servers) this.kill(id);
  }

  #collector(gate: string): Writable {
    return new Writable({
      decodeStrings: false,
      write: (line: string, _encoding, done) => {
        const record = JSON.parse(line) as Logged;
        this.records.push(record);
        this.lines.push(`${JSON.stringify({ process: gate, ...record })}\n`);
        done();
      },
    });
  }

  #node(name: string): Node {
    const clock = new NodeClock(this.clock);
    return { name, clock, transport: this.#network.at(name, clock) };
  }

  #forget(slot: ServerSlot | GateSlot): void {
    if (slot.node !== null) this.#network.remove(slot.id);
    slot.node = null;
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
