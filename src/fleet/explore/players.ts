/** Who plays plans: this thread, or several beside it. What comes of a plan is the same whoever plays it. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Step } from '../steps/registry.ts';
import type { FleetSpec } from './fleet-spec.ts';
import type { PlanRun } from './run-plan.ts';

/** Plays the plans of one fleet. To be disposed of: what is still being played then is given up. */
export interface Players extends AsyncDisposable {
  /** @throws if the thread that plays it fails, as for want of memory. */
  play(steps: readonly Step[]): Promise<PlanRun>;
}

/** @param count how many plans may be played at once. One is played in this thread, and more each in one of its own. */
export async function openPlayers(fleet: FleetSpec, count: number): Promise<Players> {
  if (count > 1) return new PlayerThreads(fleet, count);
  // Threads have their own, and this one then never needs it.
  const { play } = await import('./run-plan.ts');
  return { play: (steps) => play(fleet, steps), async [Symbol.asyncDispose]() {} };
}

/** From its source, or as built. */
const PLAYER = new URL(`./player-thread${path.extname(import.meta.url)}`, import.meta.url);

interface Job extends PromiseWithResolvers<PlanRun> {
  readonly steps: readonly Step[];
}

class PlayerThreads implements Players {
  readonly #threads: readonly Worker[];
  readonly #idle: Worker[];
  readonly #waiting: Job[] = [];
  readonly #playing = new Map<Worker, Job>();
  #failure: unknown;

  constructor(fleet: FleetSpec, count: number) {
    this.#threads = Array.from({ length: count }, () => this.#start(fleet));
    this.#idle = [...this.#threads];
  }

  async play(steps: readonly Step[]): Promise<PlanRun> {
    if (this.#failure !== undefined) throw this.#failure;
    const job = { steps, ...Promise.withResolvers<PlanRun>() };
    this.#waiting.push(job);
    this.#assign();
    return job.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #start(fleet: FleetSpec): Worker {
    const thread = new Worker(PLAYER, { workerData: fleet });
    return thread
      .on('message', (run: PlanRun) => {
        this.#playing.get(thread)?.resolve(run);
        this.#playing.delete(thread);
        this.#idle.push(thread);
        this.#assign();
      })
      .on('error', (error) => this.#fail(error));
  }

  #assign(): void {
    while (this.#idle.length > 0) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      const thread = this.#idle.pop() as Worker;
      this.#playing.set(thread, job);
      thread.postMessage(job.steps);
    }
  }

  /** One thread that fails ends it for all: which plans went missing would be a matter of luck. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of [...this.#playing.values(), ...this.#waiting.splice(0)]) reject(error);
    this.#playing.clear();
  }
}
