/** Plays one plan on virtual time and says what did not hold. */
import type { Violation } from '../invariants.ts';
import { type Report, runScenario } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { Simulation } from '../simulation.ts';
import type { Step } from '../steps/registry.ts';
import type { FleetSpec } from './fleet-spec.ts';

export interface PlanRun {
  readonly scenario: Scenario;
  readonly violations: readonly Violation[];
  readonly simulation: Simulation;
  /** Null: it could not be played. */
  readonly report: Report | null;
}

/**
 * Plays one plan. A plan that can't be played is a violation too: nothing a scenario may do should make that happen.
 */
export async function play(fleet: FleetSpec, steps: readonly Step[]): Promise<PlanRun> {
  const { versions: _versions, ...stated } = fleet;
  const scenario: Scenario = { ...stated, steps: [...steps] };
  const simulation = new Simulation(scenario);
  try {
    const report = await runScenario(scenario, simulation);
    return { scenario, simulation, report, violations: await simulation.violations() };
  } catch (error) {
    const what = `the plan can not be played: ${(error as Error).stack}`;
    const violations = [{ invariant: 'waits-end', at: simulation.clock.now(), what }];
    return { scenario, simulation, report: null, violations };
  }
}
