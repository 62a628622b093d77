/**
 * What a scenario does to the servers and gates of its fleet, and to the links between them, and in what state they are.
 */
import { pause } from '../ports/clock.ts';
import type { FleetDriver } from './driver.ts';
import { pairOf } from './ground-truth.ts';
import { HealthView } from './health-view.ts';
import type { NodeState, StateTimeline } from './state-timeline.ts';

/** How often it is checked whether something has happened, ms. */
const POLL = 50;
/** How long sessions may go on while their server restarts, ms. */
const GRACE = 5_000;

/** Acts on nodes and links of a fleet, and keeps their states. */
export class NodeControl {
  readonly #fleet: FleetDriver;
  readonly #states: StateTimeline;
  readonly #health: HealthView;
  readonly #cuts = new Set<string>();

  constructor(fleet: FleetDriver, states: StateTimeline) {
    this.#fleet = fleet;
    this.#states = states;
    this.#health = new HealthView(() => fleet.records);
  }

  stateOf(id: string): NodeState | undefined {
    return this.#states.stateOf(id);
  }

  isCut(a: string, b: string): boolean {
    return this.#cuts.has(pairOf(a, b));
  }

  /** Dies at once. */
  kill(id: string): void {
    this.#fleet.kill(id);
    this.#states.set(id, 'down');
  }

  /** One that is dead comes back. */
  async start(id: string): Promise<void> {
    await this.#fleet.startNode(id);
    this.#states.set(id, 'up');
  }

  /** Takes effect at once. @param skew ms ahead; negative: behind */
  setClock(id: string, skew: number): void {
    this.#fleet.setClock(id, skew);
  }

  pause(id: string): void {
    this.#fleet.pause(id);
    this.#states.set(id, 'paused');
  }

  resume(id: string): void {
    this.#fleet.resume(id);
    this.#states.set(id, 'up');
  }

  cut(a: string, b: string): void {
    this.#fleet.cut(a, b);
    this.#cuts.add(pairOf(a, b));
  }

  heal(a: string, b: string): void {
    this.#fleet.heal(a, b);
    this.#cuts.delete(pairOf(a, b));
  }

  /** In order; what is dead just comes back. */
  async restart(id: string): Promise<void> {
    const isGate = this.#fleet.gateIds.includes(id);
    await this.#stop(id, () => (isGate ? this.#fleet.stopGate(id) : this.#fleet.stopServer(id, GRACE)));
    await this.start(id);
  }

  /** Servers go in order, all at a time, and come back on another version. @param grace for their sessions, ms */
  async restartOn(ids: readonly string[], version: string, grace: number): Promise<void> {
    await Promise.all(ids.map((id) => this.#stop(id, () => this.#fleet.stopServer(id, grace))));
    await Promise.all(ids.map((id) => this.#fleet.startServer(id, version)));
    for (const id of ids) this.#states.set(id, 'up', version);
  }

  /** Null once every gate that lives sees these servers up on this version; else what was amiss after `within` ms. */
  async awaitHealth(ids: readonly string[], version: string, within: number): Promise<string | null> {
    const { clock, gateIds } = this.#fleet;
    const end = clock.monotonic() + within;
    for (;;) {
      const living = this.#states.present.filter(({ id, state }) => gateIds.includes(id) && state === 'up');
      const gates = living.map(({ id }) => id);
      const missing = this.#health.missing(gates, ids, version);
      if (missing === null || clock.monotonic() >= end) return missing;
      await pause(clock, POLL);
    }
  }

  async #stop(id: string, act: () => Promise<void>): Promise<void> {
    if (this.#states.stateOf(id) === 'down') return;
    this.#states.set(id, 'leaving');
    await act();
    this.#states.set(id, 'down');
  }
}
