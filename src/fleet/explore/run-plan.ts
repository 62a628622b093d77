/** Plays one plan on virtual time and says what did not hold. */
import type { Violation } from '../invariants.ts';
import { runScenario } from '../run.ts';
import { Simulation } from '../simulation.ts';
import type { Step } from '../steps/registry.ts';
import { type FleetSpec, scenarioOf } from './fleet-spec.ts';
import { type PlanCoverage, reachedIn } from './reached.ts';

/** What came of a plan. Plain data: another thread may have played it. */
export interface PlanRun {
  readonly violations: readonly Violation[];
  /** The decision logs of all its gates, NDJSON. */
  readonly log: string;
  readonly reached: PlanCoverage;
}

/**
 * Plays one plan. A plan that can't be played is a violation too: nothing a scenario may do should make that happen.
 */
export async function play(fleet: FleetSpec, steps: readonly Step[]): Promise<PlanRun> {
  const scenario = scenarioOf(fleet, steps);
  const simulation = new Simulation(scenario);
  const { truth } = simulation;
  try {
    const report = await runScenario(scenario, simulation);
    const violations = await simulation.violations();
    return { violations, log: simulation.lines.join(''), reached: reachedIn(scenario, truth, report) };
  } catch (error) {
    const what = `the plan can not be played: ${stackOf(error as Error)}`;
    const violations = [{ invariant: 'waits-end', at: simulation.clock.now(), what }];
    return { violations, log: simulation.lines.join(''), reached: reachedIn(scenario, truth, null) };
  }
}

/** Without those who called `play`: they differ with the number of threads. */
function stackOf({ stack = '' }: Error): string {
  const lines = stack.split('\n');
  const own = lines.findIndex((line) => line.includes('/run-plan.'));
  return lines.slice(0, own < 0 ? lines.length : own).join('\n');
}
