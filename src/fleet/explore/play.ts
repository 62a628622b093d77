/** Plays one plan on virtual time and says what did not hold. */
import type { Violation } from '../invariants.ts';
import { type Report, runScenario } from '../run.ts';
import type { Scenario, Step } from '../scenario.ts';
import { World } from '../world.ts';
import type { Fleet } from './fleet.ts';

export interface Played {
  readonly scenario: Scenario;
  readonly violations: readonly Violation[];
  readonly world: World;
  /** Null: it could not be played. */
  readonly report: Report | null;
}

export async function play(fleet: Fleet, steps: readonly Step[]): Promise<Played> {
  const { versions: _versions, ...stated } = fleet;
  const scenario: Scenario = { ...stated, steps: [...steps] };
  const world = new World(scenario);
  try {
    const report = await runScenario(scenario, world);
    return { scenario, world, report, violations: await world.violations() };
  } catch (error) {
    const what = `the plan can not be played: ${(error as Error).stack}`;
    const violations = [{ invariant: 'waits-end', at: world.clock.now(), what }];
    return { scenario, world, report: null, violations };
  }
}
