/** examples/phoenix-mutex.yaml: what its comments walk a reader through is what happens. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { explore } from '../../../src/fleet/explore/explore.ts';
import { parseFleet } from '../../../src/fleet/explore/fleet-spec.ts';
import { runScenario } from '../../../src/fleet/run.ts';
import { scenarioSchema } from '../../../src/fleet/scenario.ts';
import { Simulation } from '../../../src/fleet/simulation.ts';

const FILE = fileURLToPath(new URL('../../../examples/phoenix-mutex.yaml', import.meta.url));
const text = readFileSync(FILE, 'utf8');
const fleet = parseFleet(text);

async function violationsAfter(stated: object, ...steps: object[]): Promise<string[]> {
  const scenario = {
    ...fleet,
    fault: undefined,
    ...stated,
    ...scenarioSchema.pick({ steps: true }).parse({ steps }),
  };
  const { fault, ...rest } = scenario;
  const simulation = new Simulation(fault === undefined ? rest : { ...rest, fault });
  await runScenario(simulation.scenario, simulation);
  return (await simulation.violations()).map(({ invariant, what }) => `${invariant}: ${what}`);
}

test('[M3] explore finds an upgrade that is taken from a holder that is well, in two steps or fewer', {
  timeout: 60_000,
}, async () => {
  const { found } = await explore(fleet, { runs: 20, seed: 1, maxSteps: 8, jobs: 1 });
  expect(found?.scenario.steps.length).toBeLessThanOrEqual(2);
  expect(found?.violations[0]?.what).toBe('token 1 was taken over, and its holder was well');
});

describe('the same steps with and without the fault', () => {
  const upgrade = [{ connect: 'new' }, { wait: '30m' }];
  const blocked = [{ operator: 'block' }, { wait: '16m' }, { connect: 'new' }, { wait: '1s' }];

  test('an upgrade that outlasts the row is taken from its holder; one under a claim that is renewed is not', async () => {
    expect(await violationsAfter({ fault: 'phoenix-mutex' }, ...upgrade)).toContainEqual(
      expect.stringMatching(/^one-holder: token 1 was taken over, and its holder was well/),
    );
    expect(await violationsAfter({}, ...upgrade)).toEqual([]);
  });

  test('the block row lapses as well, and the upgrade that was blocked begins', async () => {
    expect(await violationsAfter({ fault: 'phoenix-mutex' }, ...blocked)).toContainEqual(
      expect.stringMatching(
        /^operator-is-heeded: an upgrade began under token 1 while upgrades were blocked/,
      ),
    );
    expect(await violationsAfter({}, ...blocked)).toEqual([]);
  });
});
