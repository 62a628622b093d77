/**
 * Random plans for a fleet, each played on virtual time and held against the invariants, until one fails.
 * That one is shrunk until no step of it can go without the invariant holding again. The same fleet and seed give the
 * same plans.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Violation } from '../invariants.ts';
import type { Scenario } from '../scenario.ts';
import type { Step } from '../steps/registry.ts';
import { Coverage, type Covered } from './coverage.ts';
import { type FleetSpec, scenarioOf } from './fleet-spec.ts';
import { planOf, wholePlan } from './plan.ts';
import { openPlayers, type Players } from './players.ts';
import type { PlanRun } from './run-plan.ts';
import { type FailingPlan, shrink } from './shrink.ts';

export interface ExploreOptions {
  readonly runs: number;
  readonly seed: number;
  /** Of one plan, before what brings the fleet back in order at its end. */
  readonly maxSteps: number;
  /** How many plans are played at once. */
  readonly jobs: number;
  /** Hears of each plan that was played, and of each shorter one that still fails. */
  readonly onPlan?: (plan: { readonly plans: number; readonly failing: number | null }) => void;
}

export interface FailedPlan {
  /** As `skewgate test` plays it. */
  readonly scenario: Scenario;
  readonly violations: readonly Violation[];
  /** The plan's number, from 1. */
  readonly plan: number;
  /** Steps of the plan as it was drawn. */
  readonly steps: number;
}

export interface ExploreResult {
  readonly seed: number;
  readonly plans: number;
  readonly covered: Covered;
  /** Of all decision logs, up to the plan that failed: equal for runs that went alike. */
  readonly log: string;
  /** Null: everything held. */
  readonly found: FailedPlan | null;
}

/**
 * Plays random plans until one breaks an invariant, or all of `options.runs` have held. Same fleet and options: same
 * result, whatever `jobs` is.
 */
export async function explore(fleet: FleetSpec, options: ExploreOptions): Promise<ExploreResult> {
  const { seed, runs, jobs } = options;
  const seeded = { ...fleet, seed };
  await using players = await openPlayers(seeded, Math.min(jobs, runs));
  return await new Search(seeded, options, players).run();
}

/** How many plans are drawn before the oldest must be through, for each that is played at once. */
const AHEAD = 4;

interface DrawnPlan {
  readonly drawn: number;
  readonly steps: readonly Step[];
  readonly run: Promise<PlanRun>;
}

/** Plans are played side by side, but what comes of them is taken in the order in which they were drawn. */
class Search {
  readonly #fleet: FleetSpec;
  readonly #options: ExploreOptions;
  readonly #players: Players;
  readonly #coverage: Coverage;
  readonly #log = createHash('sha256');
  /** Drawn, and not taken yet; the oldest first. */
  readonly #ahead: DrawnPlan[] = [];
  #plans = 0;
  #failed: (FailingPlan & { readonly drawn: number }) | null = null;

  constructor(fleet: FleetSpec, options: ExploreOptions, players: Players) {
    this.#fleet = fleet;
    this.#options = options;
    this.#players = players;
    this.#coverage = new Coverage(fleet);
  }

  async run(): Promise<ExploreResult> {
    const { seed, runs, maxSteps } = this.#options;
    const held = fc.asyncProperty(planOf(this.#fleet, maxSteps), (plan) => this.#draw(plan));
    const { errorInstance } = await fc.check(held, { seed, numRuns: runs, endOnFailure: true });
    while (this.#ahead.length > 0 && this.#failed === null) await this.#takeOldest();
    // Not a plan that failed, but who played it.
    if (errorInstance !== null && this.#failed === null) throw errorInstance;
    const found = await this.#shrunk();
    const log = this.#log.digest('hex').slice(0, 12);
    return { seed, plans: this.#plans, covered: this.#coverage.sum, log, found };
  }

  /** Has the plan played. False: one before it has failed, and no more are to be drawn. */
  async #draw(plan: readonly Step[]): Promise<boolean> {
    const steps = wholePlan(this.#fleet, plan);
    const run = this.#players.play(steps);
    // Of a plan that is never taken nobody hears why it could not be played.
    run.catch(() => {});
    this.#ahead.push({ drawn: plan.length, steps, run });
    const { jobs } = this.#options;
    if (this.#ahead.length >= (jobs === 1 ? 1 : jobs * AHEAD)) await this.#takeOldest();
    return this.#failed === null;
  }

  async #takeOldest(): Promise<void> {
    const { drawn, steps, run } = this.#ahead.shift() as DrawnPlan;
    const { violations, log, reached } = await run;
    this.#plans++;
    this.#log.update(log);
    this.#coverage.add(reached);
    if (violations.length > 0) this.#failed = { drawn, steps, violations };
    this.#tell(this.#failed && steps.length);
  }

  async #shrunk(): Promise<FailedPlan | null> {
    if (this.#failed === null) return null;
    const { violations, steps } = await shrink(this.#failed, {
      ...this.#options,
      fleet: this.#fleet,
      plan: this.#plans,
      play: (simpler) => this.#players.play(simpler),
      onShorter: (length) => this.#tell(length),
    });
    return {
      scenario: scenarioOf(this.#fleet, steps),
      violations,
      plan: this.#plans,
      steps: this.#failed.drawn,
    };
  }

  #tell(failing: number | null): void {
    this.#options.onPlan?.({ plans: this.#plans, failing });
  }
}
