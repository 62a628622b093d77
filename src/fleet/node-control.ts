/**
 * What a scenario does to the servers and gates of its fleet, and to the links between them. A step that finds
 * nothing to act on does nothing, and says why.
 */
import { pause } from '../ports/clock.ts';
import type { FleetDriver } from './driver.ts';
import { pairOf } from './ground-truth.ts';
import { HealthView } from './health-view.ts';
import type { Step } from './scenario.ts';
import type { NodeState, StateTimeline } from './state-timeline.ts';

export type Roll = NonNullable<Step['roll']>;

/** A roll stopped: its servers were not seen up in time. */
export interface Unhealthy {
  readonly expected: string;
  readonly found: string;
}

/** ms between two looks at whether something happened. */
const POLL = 50;
/** That a server's sessions get when it is restarted, ms. */
const GRACE = 5_000;

type NodeVerb = 'kill' | 'start' | 'pause' | 'resume';

/** Why such a step has nothing to act on. */
const NOTHING_TO_DO: Readonly<Record<NodeVerb, Partial<Record<NodeState, string>>>> = {
  kill: { down: 'it is dead' },
  start: { up: 'it runs', leaving: 'it runs', paused: 'it stands still' },
  pause: { down: 'it is dead', paused: 'it stands still' },
  resume: { down: 'it is dead', up: 'it runs', leaving: 'it runs' },
};

export class NodeControl {
  readonly #fleet: FleetDriver;
  readonly #states: StateTimeline;
  readonly #health: HealthView;
  readonly #cuts = new Set<string>();

  constructor(fleet: FleetDriver, states: StateTimeline) {
    this.#fleet = fleet;
    this.#states = states;
    this.#health = new HealthView(() => fleet.lines);
  }

  /** Why a step would do nothing, in words; null: it does something. */
  reasonToSkip(step: Step): string | null {
    for (const verb of ['kill', 'start', 'pause', 'resume'] as const) {
      const id = step[verb];
      const state = id === undefined ? undefined : this.#states.stateOf(id);
      if (state !== undefined) return NOTHING_TO_DO[verb][state] ?? null;
    }
    if (step.cut) return this.#cuts.has(pairOf(...step.cut)) ? 'they are cut' : null;
    if (step.heal) return this.#cuts.has(pairOf(...step.heal)) ? null : 'they are not cut';
    return null;
  }

  async act({ restart, kill, start, pause: still, resume, cut, heal }: Step): Promise<void> {
    if (restart !== undefined) await this.#restart(restart);
    if (kill !== undefined) this.#kill(kill);
    if (start !== undefined) await this.#startNode(start);
    if (still !== undefined) {
      this.#fleet.pause(still);
      this.#states.set(still, 'paused');
    }
    if (resume !== undefined) {
      this.#fleet.resume(resume);
      this.#states.set(resume, 'up');
    }
    if (cut) {
      this.#fleet.cut(...cut);
      this.#cuts.add(pairOf(...cut));
    }
    if (heal) {
      this.#fleet.heal(...heal);
      this.#cuts.delete(pairOf(...heal));
    }
  }

  /** Null: all of it was done. @param say hears of each batch. */
  async roll(roll: Roll, say: (what: string) => void): Promise<Unhealthy | null> {
    const { to, servers = this.#fleet.serverIds, batch, pause: between, grace, health } = roll;
    for (let at = 0; at < servers.length; at += batch) {
      const now = servers.slice(at, at + batch);
      await Promise.all(now.map((id) => this.#stop(id, () => this.#fleet.stopServer(id, grace))));
      await Promise.all(now.map((id) => this.#fleet.startServer(id, to)));
      for (const id of now) this.#states.set(id, 'up', to);
      say(`${now.join(', ')} on ${to}`);
      const found = health === undefined ? null : await this.#awaitHealth(now, to, health);
      if (found !== null)
        return { expected: `${now.join(', ')} seen up on ${to} within ${(health ?? 0) / 1_000} s`, found };
      await pause(this.#fleet.clock, between);
    }
    return null;
  }

  #kill(id: string): void {
    this.#fleet.kill(id);
    this.#states.set(id, 'down');
  }

  async #startNode(id: string): Promise<void> {
    await this.#fleet.startNode(id);
    this.#states.set(id, 'up');
  }

  /** In order; what is dead just comes back. */
  async #restart(id: string): Promise<void> {
    const isGate = this.#fleet.gateIds.includes(id);
    await this.#stop(id, () => (isGate ? this.#fleet.stopGate(id) : this.#fleet.stopServer(id, GRACE)));
    await this.#startNode(id);
  }

  async #stop(id: string, act: () => Promise<void>): Promise<void> {
    if (this.#states.stateOf(id) === 'down') return;
    this.#states.set(id, 'leaving');
    await act();
    this.#states.set(id, 'down');
  }

  /** Null once every gate that lives sees these servers up; else what was amiss when time was over. */
  async #awaitHealth(ids: readonly string[], version: string, within: number): Promise<string | null> {
    const { clock, gateIds } = this.#fleet;
    const end = clock.now() + within;
    for (;;) {
      const living = this.#states.present.filter(({ id, state }) => gateIds.includes(id) && state === 'up');
      const gates = living.map(({ id }) => id);
      const missing = this.#health.missing(gates, ids, version);
      if (missing === null || clock.now() >= end) return missing;
      await pause(clock, POLL);
    }
  }
}
