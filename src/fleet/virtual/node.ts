/**
 * A server or gate of a simulated fleet: a machine with a clock of its own, on which at most one process runs. What the
 * process does is up to `server.ts` and `gate.ts`.
 */
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Transport } from '../../ports/transport.ts';
import type { Tables } from '../../server/tables.ts';
import type { MemoryNetwork } from '../../transport/memory.ts';
import type { Fault } from '../faults.ts';
import type { GroundTruth } from '../ground-truth.ts';
import { NodeClock } from '../node-clock.ts';
import type { Scenario } from '../scenario.ts';

/** What the nodes of one simulated fleet share. */
export interface SharedParts {
  readonly scenario: Scenario;
  /** The true time. */
  readonly clock: Clock;
  readonly random: Random;
  readonly network: MemoryNetwork;
  readonly truth: GroundTruth;
  /** The system tables; null: there are none. */
  readonly tables: Tables | null;
  readonly fault: Fault | null;
  /** Adds the fleet's present state to the truth. To be called after each change. */
  readonly note: () => void;
}

/** A process that runs, or stands still. */
export interface SimulatedProcess {
  readonly clock: NodeClock;
  readonly transport: Transport;
  /** When it began, true time. */
  readonly since: number;
}

/** ms that a process gets beyond the grace it was given, before it is killed. */
export const KILL_AFTER = 1_000;

/** A machine and the process on it. Subclasses start the process, and stop it in order. */
export abstract class VirtualNode {
  readonly id: string;
  /** It was told to stop, and drains. */
  draining = false;
  protected readonly fleet: SharedParts;
  #process: SimulatedProcess | null = null;
  #skew = 0;

  constructor(id: string, fleet: SharedParts) {
    this.id = id;
    this.fleet = fleet;
  }

  /** Null: it is dead. */
  get process(): SimulatedProcess | null {
    return this.#process;
  }

  get paused(): boolean {
    return this.#process?.clock.paused ?? false;
  }

  /** Stands still, as by SIGSTOP. */
  pause(): void {
    this.#process?.clock.pause();
    this.fleet.note();
  }

  /** Goes on, as by SIGCONT. */
  resume(): void {
    this.#process?.clock.resume();
    this.fleet.note();
  }

  /**
   * Sets the machine's clock, which a process that runs sees at once.
   *
   * @param skew ms that it is ahead of the true time; negative: behind
   */
  setClock(skew: number): void {
    this.#skew = skew;
    if (this.#process !== null) this.#process.clock.skew = skew;
    this.fleet.note();
  }

  /** The process is gone at once, and what it had open with it. */
  end(): void {
    if (this.#process !== null) {
      this.#process.clock.kill();
      this.fleet.network.remove(this.id);
    }
    this.#process = null;
    this.draining = false;
    this.forget();
    this.fleet.note();
  }

  /** Begins a process that does nothing yet. */
  protected begin(): SimulatedProcess {
    const { clock: trueTime, network } = this.fleet;
    const clock = new NodeClock(trueTime, this.#skew);
    const process = { clock, transport: network.at(this.id, clock), since: trueTime.now() };
    this.#process = process;
    this.draining = false;
    return process;
  }

  /** Starts the process; does nothing if one runs. */
  abstract start(): Promise<void>;
  /** Lets go of what the process was. */
  protected abstract forget(): void;
}
