/** Fleets to explore, and plans to hold against the invariants. */
import { parse } from 'yaml';
import { type Explored, explore } from '../../../src/fleet/explore/explore.ts';
import { DEFAULT_FLEET, type Fleet, parseFleet } from '../../../src/fleet/explore/fleet.ts';
import type { FaultName } from '../../../src/fleet/faults.ts';
import { runScenario } from '../../../src/fleet/run.ts';
import { scenarioSchema } from '../../../src/fleet/scenario.ts';
import { World } from '../../../src/fleet/world.ts';

export const defaultFleet = parseFleet(DEFAULT_FLEET, 'default fleet');

/** The file of the default fleet with this fault. */
export const textWith = (fault: FaultName) => `${DEFAULT_FLEET}fault: ${fault}\n`;

export function exploreFleet(fleet: Fleet, runs: number, seed = 7): Promise<Explored> {
  return explore(fleet, { runs, seed, maxSteps: 24 });
}

/** The default fleet with steps as a file has them, played to its end. */
export async function playSteps(...steps: object[]): Promise<World> {
  const scenario = scenarioSchema.parse({ name: 'a test', ...(parse(DEFAULT_FLEET) as object), steps });
  const world = new World(scenario);
  await runScenario(scenario, world);
  return world;
}
