/** Plans played side by side: what comes of them is the same however many are. */
import { expect, test } from 'vitest';
import { type ExploreOptions, explore } from '../../../src/fleet/explore/explore.ts';
import { type FleetSpec, parseFleet } from '../../../src/fleet/explore/fleet-spec.ts';
import { defaultFleet, textWith } from './support.ts';

const TIME = 60_000;
/** The result, and each word on the way to it. */
async function heard(fleet: FleetSpec, options: Omit<ExploreOptions, 'onPlan'>) {
  const progress: object[] = [];
  const result = await explore(fleet, { ...options, onPlan: (plan) => progress.push(plan) });
  return { result, progress };
}

test('all plans hold: same coverage, same decision logs, same progress', { timeout: TIME }, async () => {
  const [alone, ...others] = await Promise.all(
    [1, 2].map((jobs) => heard(defaultFleet, { runs: 12, seed: 5, maxSteps: 8, jobs })),
  );
  expect(alone?.result).toMatchObject({ plans: 12, found: null });
  expect(alone?.progress).toHaveLength(12);
  for (const other of others) expect(other).toEqual(alone);
});

test('a plan fails: same plan, though later ones are under way, and shrunk to the same steps', {
  timeout: TIME,
}, async () => {
  const fleet = parseFleet(textWith('window-off-by-one'));
  const [alone, ...others] = await Promise.all(
    [1, 2, 5].map((jobs) => heard(fleet, { runs: 30, seed: 7, maxSteps: 24, jobs })),
  );
  const { plans, found } = alone?.result ?? {};
  expect(plans).toBe(found?.plan);
  expect(plans).toBeGreaterThan(2);
  expect(plans).toBeLessThan(30);
  expect(found?.scenario.steps.length).toBeLessThanOrEqual(3);
  expect(found?.violations[0]?.invariant).toBe('admitted-by-policy');
  for (const other of others) expect(other).toEqual(alone);
});

test.each([1, 2])(
  '%i at once: what can not be played at all is an error, not a plan that failed',
  {
    timeout: TIME,
  },
  async (jobs) => {
    const broken = { ...defaultFleet, network: undefined } as unknown as FleetSpec;
    await expect(explore(broken, { runs: 6, seed: 1, maxSteps: 4, jobs })).rejects.toThrow(/latency/);
  },
);
