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
import type { FleetSpec } from './fleet-spec.ts';
import { planOf, repairsAfter, settleStep } from './plan.ts';
import { type PlanRun, play } from './run-plan.ts';

export interface ExploreOptions {
  readonly runs: number;
  readonly seed: number;
  /** Of one plan, before what brings the fleet back in order at its end. */
  readonly maxSteps: number;
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
 * result.
 */
export async function explore(fleet: FleetSpec, options: ExploreOptions): Promise<ExploreResult> {
  const search = new Search(fleet, options);
  return search.run();
}

class Search {
  readonly #fleet: FleetSpec;
  readonly #options: ExploreOptions;
  readonly #coverage: Coverage;
  readonly #log = createHash('sha256');
  #plans = 0;
  #drawn = 0;
  /** The invariant that is broken; set by the first plan that fails. */
  #broken: string | null = null;
  #shortest: PlanRun | null = null;

  constructor(fleet: FleetSpec, options: ExploreOptions) {
    this.#fleet = { ...fleet, seed: options.seed };
    this.#options = options;
    this.#coverage = new Coverage(fleet);
  }

  async run(): Promise<ExploreResult> {
    const { seed, runs, maxSteps } = this.#options;
    const holds = fc.asyncProperty(planOf(this.#fleet, maxSteps), (plan) => this.#holds(plan));
    await fc.check(holds, { seed, numRuns: runs });
    const found = await this.#shrunk();
    const log = this.#log.digest('hex').slice(0, 12);
    return { seed, plans: this.#plans, covered: this.#coverage.sum, log, found };
  }

  /** fast-check calls it with each plan and, once one has failed, with simpler ones. */
  async #holds(plan: readonly Step[]): Promise<boolean> {
    const steps = [...plan, settleStep(this.#fleet), ...repairsAfter(plan)];
    if (this.#broken !== null) return !(await this.#stillFails(steps));
    const played = await play(this.#fleet, steps);
    this.#plans++;
    for (const line of played.simulation.lines) this.#log.update(line);
    this.#coverage.add(played.scenario, played.simulation.truth, played.report);
    const [first] = played.violations;
    if (first !== undefined) {
      this.#broken = first.invariant;
      this.#drawn = plan.length;
      this.#shortest = played;
    }
    this.#tell();
    return first === undefined;
  }

  async #stillFails(steps: readonly Step[]): Promise<boolean> {
    const played = await play(this.#fleet, steps);
    if (!played.violations.some(({ invariant }) => invariant === this.#broken)) return false;
    this.#shortest = played;
    this.#tell();
    return true;
  }

  /**
   * What fast-check left, without any step that can go. Steps that put the fleet back in order count as well. What is
   * left is minimal, though not always the shortest plan there is: no step is replaced by another kind of step.
   */
  async #shrunk(): Promise<FailedPlan | null> {
    if (this.#shortest === null) return null;
    let at = this.#shortest.scenario.steps.length;
    while (--at >= 0) {
      const rest: Step[] = this.#shortest.scenario.steps.toSpliced(at, 1);
      if (rest.length > 0 && (await this.#stillFails(rest))) at = rest.length;
    }
    const { scenario, violations } = this.#shortest;
    return {
      scenario,
      violations: violations.filter(({ invariant }) => invariant === this.#broken),
      plan: this.#plans,
      steps: this.#drawn,
    };
  }

  #tell(): void {
    const failing = this.#shortest?.scenario.steps.length ?? null;
    this.#options.onPlan?.({ plans: this.#plans, failing });
  }
}
