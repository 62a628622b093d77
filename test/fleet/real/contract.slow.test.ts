/** One contract for both drivers: a scenario comes out the same on virtual time and on real processes. */
import { expect, test } from 'vitest';
import { createRealFleet } from '../../../src/fleet/real/real-fleet.ts';
import { runScenario } from '../../../src/fleet/run.ts';
import { Simulation } from '../../../src/fleet/simulation.ts';
import { comparable } from './facts.ts';
import { SCENARIOS } from './scenarios.ts';

test.each(SCENARIOS)('%s', { timeout: 60_000 }, async (_name, scenario) => {
  const virtual = await runScenario(scenario, new Simulation(scenario));
  expect(virtual.failures).toEqual([]);
  const said: string[] = [];
  const real = await runScenario(scenario, createRealFleet(scenario, { say: (line) => said.push(line) }));
  expect(real.failures).toEqual([]);
  expect(comparable(real)).toEqual(comparable(virtual));
  expect(said).toEqual([]);
});
