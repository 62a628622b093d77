/** Makes a plan that breaks an invariant shorter, until no step of it can go without the invariant holding again. */
import fc from 'fast-check';
import type { Violation } from '../invariants.ts';
import type { Step } from '../steps/registry.ts';
import type { FleetSpec } from './fleet-spec.ts';
import { planOf, wholePlan } from './plan.ts';
import type { PlanRun } from './run-plan.ts';

export interface FailingPlan {
  /** As it is played, with what brings the fleet back in order. */
  readonly steps: readonly Step[];
  readonly violations: readonly Violation[];
}

/** Where the plan was drawn, and how another is played. */
export interface Shrinking {
  readonly fleet: FleetSpec;
  readonly seed: number;
  readonly maxSteps: number;
  /** The plan's number, from 1. */
  readonly plan: number;
  readonly play: (steps: readonly Step[]) => Promise<PlanRun>;
  /** Hears of each shorter or simpler plan that still fails. */
  readonly onShorter: (steps: number) => void;
}

/** Resolves to the plan that is left, with what breaks the first of its invariants. */
export async function shrink(failing: FailingPlan, options: Shrinking): Promise<FailingPlan> {
  const shrinker = new Shrinker(failing, options);
  await shrinker.simplify();
  await shrinker.shorten();
  return shrinker.shortest;
}

class Shrinker {
  readonly #invariant: string;
  readonly #options: Shrinking;
  shortest: FailingPlan;

  constructor(failing: FailingPlan, options: Shrinking) {
    this.#options = options;
    this.#invariant = failing.violations[0]?.invariant as string;
    this.shortest = { steps: failing.steps, violations: this.#ofInterest(failing.violations) };
  }

  /** As far as fast-check knows how. It draws the plan again, and then simpler ones. */
  async simplify(): Promise<void> {
    const { fleet, seed, maxSteps, plan } = this.#options;
    let drawnAgain = false;
    const holds = fc.asyncProperty(planOf(fleet, maxSteps), async (drawn) => {
      if (drawnAgain) return !(await this.#stillFails(wholePlan(fleet, drawn)));
      drawnAgain = true;
      return false;
    });
    await fc.check(holds, { seed, path: String(plan - 1), numRuns: 1 });
  }

  /**
   * Without any step that can go. Steps that put the fleet back in order count as well. What is left is minimal, though
   * not always the shortest plan there is: no step is replaced by another kind of step.
   */
  async shorten(): Promise<void> {
    let at = this.shortest.steps.length;
    while (--at >= 0) {
      const rest = this.shortest.steps.toSpliced(at, 1);
      if (rest.length > 0 && (await this.#stillFails(rest))) at = rest.length;
    }
  }

  async #stillFails(steps: readonly Step[]): Promise<boolean> {
    const violations = this.#ofInterest((await this.#options.play(steps)).violations);
    if (violations.length === 0) return false;
    this.shortest = { steps, violations };
    this.#options.onShorter(steps.length);
    return true;
  }

  #ofInterest(violations: readonly Violation[]): Violation[] {
    return violations.filter(({ invariant }) => invariant === this.#invariant);
  }
}
