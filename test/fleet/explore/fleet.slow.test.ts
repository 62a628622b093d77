/** What takes longer: a thousand plans of the default fleet, and every fault from other seeds. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseFleet } from '../../../src/fleet/explore/fleet-spec.ts';
import { FAULT_NAMES } from '../../../src/fleet/faults.ts';
import { defaultFleet, exploreFleet, textWith } from './support.ts';

test('1,000 plans of the default fleet hold all invariants', { timeout: 120_000 }, async () => {
  const { found, plans } = await exploreFleet(defaultFleet, 1_000);
  expect(found).toBeNull();
  expect(plans).toBe(1_000);
});

test("30 plans of the example's fleet hold without its fault", { timeout: 120_000 }, async () => {
  const file = new URL('../../../examples/phoenix-mutex.yaml', import.meta.url);
  const { fault: _, ...sound } = parseFleet(readFileSync(file, 'utf8'));
  expect((await exploreFleet(sound, 30)).found).toBeNull();
});

/** What each fault may take, wherever plans begin; and one that takes more from one seed. */
const BOUNDS = { plans: 300, steps: 6 };
const WIDER: Readonly<Record<string, typeof BOUNDS>> = {
  'leases-by-own-clock from seed 3': { plans: 1_000, steps: 7 },
};

describe.each([1, 2, 3])('from seed %i', (seed) => {
  test.each(FAULT_NAMES)('%s is found and shrunk', { timeout: 120_000 }, async (fault) => {
    const { plans, steps } = WIDER[`${fault} from seed ${seed}`] ?? BOUNDS;
    const { found } = await exploreFleet(parseFleet(textWith(fault)), plans, seed);
    expect(found?.scenario.steps.length).toBeLessThanOrEqual(steps);
  });
});
