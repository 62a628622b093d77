/** A gate of a simulated fleet. */
import { configSchema } from '../../config/schema.ts';
import type { DecisionLog } from '../../decision/record.ts';
import { buildGate } from '../../gateway/build.ts';
import type { Gate } from '../../gateway/gate.ts';
import type { Store } from '../../migration/ledger/store.ts';
import { pause } from '../../ports/clock.ts';
import type { NodeClock } from '../node-clock.ts';
import { recordGrants } from '../recording-store.ts';
import { createRemoteStore } from '../remote-store.ts';
import { KILL_AFTER, type SharedParts, VirtualNode } from './node.ts';

/** What a gate's config says where the scenario says nothing. */
const DEFAULTS = configSchema.parse({
  listen: [{ tcp: '127.0.0.1:1' }],
  servers: [{ id: 'x', address: 'tcp://127.0.0.1:1' }],
});

/** What gates have beyond what all nodes share. */
export interface GateParts extends SharedParts {
  readonly serverIds: readonly string[];
  /** The ledger's store, as it is where the ledger is kept. */
  readonly store: Store;
  /** For a planted fault: when leases end. */
  readonly leases: Map<number, number>;
  /** Whether a gate is cut off from the ledger. */
  readonly isCutOff: (gate: string) => boolean;
  /** Opens the decision log of one gate's process. */
  readonly openLog: (gate: string, process: NodeClock) => DecisionLog;
}

/** A machine that runs a gate: the one that `skewgate serve` runs. */
export class VirtualGate extends VirtualNode {
  readonly #parts: GateParts;
  #gate: Gate | null = null;

  constructor(id: string, parts: GateParts) {
    super(id, parts);
    this.#parts = parts;
  }

  /** What it says of itself; null: it is dead. */
  get status(): ReturnType<Gate['status']> | null {
    return this.#gate?.status() ?? null;
  }

  async start(): Promise<void> {
    if (this.#gate !== null) return;
    const { random, fault, store, leases, truth, isCutOff, openLog } = this.#parts;
    const { clock, transport } = this.begin();
    const noted = recordGrants(store, this.id, truth, this.fleet.clock);
    const remote = createRemoteStore(noted, clock, () => isCutOff(this.id));
    const { gate, cluster } = buildGate(this.#config(), {
      clock,
      random,
      transports: { tcp: transport },
      folder: '.',
      store: fault?.remoteStore?.(remote, clock, leases) ?? remote,
      log: openLog(this.id, clock),
      say: () => {},
    });
    fault?.cluster?.(cluster);
    this.#gate = gate;
    this.fleet.note();
    await gate.start();
  }

  #config(): Parameters<typeof buildGate>[0] {
    const { scenario, fault, serverIds } = this.#parts;
    const { policy, catalogue, migration, timeouts } = scenario;
    return {
      ...DEFAULTS,
      id: this.id,
      log: { ...DEFAULTS.log, trace: 'all' },
      listen: [{ tcp: `${this.id}:1` }],
      servers: serverIds.map((id) => ({ id, address: `tcp://${id}:1` })),
      policy: fault?.policy?.(policy) ?? policy,
      ...(fault?.times?.({ migration, timeouts }) ?? { migration, timeouts }),
      ...(catalogue && { catalogue }),
    };
  }

  /**
   * Stops in order, as on Ctrl-C. A gate that stands still does not hear that it should stop, and is killed in the end.
   */
  async stop(): Promise<void> {
    const gate = this.#gate;
    if (gate === null) return;
    this.draining = true;
    this.fleet.note();
    const late = pause(this.fleet.clock, this.fleet.scenario.timeouts.drain + KILL_AFTER);
    await Promise.race(this.paused ? [late] : [gate.stop(), late]);
    if (this.#gate === gate) this.end();
  }

  /** Stops at once, but in order, at the end of the simulation: what it holds afterwards is left over. */
  async stopNow(): Promise<void> {
    this.process?.clock.resume();
    await this.#gate?.stop(0);
  }

  protected override forget(): void {
    this.#gate = null;
  }
}
