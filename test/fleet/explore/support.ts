/** Fleets to explore, and plans to hold against the invariants. */
import { parse } from 'yaml';
import type { Logged } from '../../../src/fleet/driver.ts';
import { type ExploreResult, explore } from '../../../src/fleet/explore/explore.ts';
import { DEFAULT_FLEET, type FleetSpec, parseFleet } from '../../../src/fleet/explore/fleet-spec.ts';
import type { FaultName } from '../../../src/fleet/faults.ts';
import { runScenario } from '../../../src/fleet/run.ts';
import { scenarioSchema } from '../../../src/fleet/scenario.ts';
import { Simulation } from '../../../src/fleet/simulation.ts';

export const defaultFleet = parseFleet(DEFAULT_FLEET, 'default fleet');

/** The file of the default fleet with this fault. */
export const textWith = (fault: FaultName) => `${DEFAULT_FLEET}fault: ${fault}\n`;

export function exploreFleet(fleet: FleetSpec, runs: number, seed = 7): Promise<ExploreResult> {
  return explore(fleet, { runs, seed, maxSteps: 24, jobs: 1 });
}

/** The default fleet with steps as a file has them, played to its end. */
export function playSteps(...steps: object[]): Promise<Simulation> {
  return playOn(DEFAULT_FLEET, ...steps);
}

/** @param fleet the text of the fleet's file */
export async function playOn(fleet: string, ...steps: object[]): Promise<Simulation> {
  const scenario = scenarioSchema.parse({ name: 'a test', ...(parse(fleet) as object), steps });
  const simulation = new Simulation(scenario);
  await runScenario(scenario, simulation);
  return simulation;
}

/** What the gates of a fleet recorded of an event, perhaps only with one verdict. */
export const recordsOf = ({ truth }: Simulation, event: Logged['event'], verdict?: string) =>
  truth.records.filter(
    ({ record }) =>
      record.event === event &&
      (verdict === undefined || ('verdict' in record && record.verdict === verdict)),
  );
