/** Scenarios as text, played on virtual time. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Finished } from '../../src/fleet/report/json.ts';
import { summarise } from '../../src/fleet/report/summary.ts';
import { type Report, runScenario } from '../../src/fleet/run.ts';
import { parseScenario, type Scenario } from '../../src/fleet/scenario.ts';
import { Simulation } from '../../src/fleet/simulation.ts';

export const SCENARIOS = fileURLToPath(new URL('../../examples/scenarios/', import.meta.url));
/** Files of the shipped scenarios. */
export const scenarioFiles = readdirSync(SCENARIOS)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => path.join(SCENARIOS, file));

export const readScenario = (file: string): Scenario => parseScenario(readFileSync(file, 'utf8'), file);

/** Two servers on 4.14.0 and one client group `app`, unless stated otherwise. */
export function scenarioOf(stated: Readonly<Record<string, unknown>>): Scenario {
  return parseScenario(
    stringify({
      name: 'a test',
      servers: { count: 2, version: '4.14.0' },
      clients: [{ name: 'app', version: '4.14.0' }],
      timeouts: { probe: '500ms' },
      ...stated,
    }),
  );
}

export function play(stated: Readonly<Record<string, unknown>>): Promise<Report> {
  return playScenario(scenarioOf(stated));
}

export function playScenario(scenario: Scenario): Promise<Report> {
  return runScenario(scenario, new Simulation(scenario));
}

export async function finish(scenario: Scenario, file = 'a-test.yaml'): Promise<Finished> {
  const report = await playScenario(scenario);
  return { file, report, summary: summarise(report, 'virtual') };
}

/** What did not hold, as `field: expected, found`. */
export function failuresOf({ failures }: Report): string[] {
  return failures.map(
    ({ field, expected, found }) => `${field}: ${JSON.stringify(expected)}, ${JSON.stringify(found)}`,
  );
}
