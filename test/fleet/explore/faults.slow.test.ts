/** Planted faults: each is found within a bounded number of plans, shrunk, and written so that it plays again. */
import { describe, expect, test } from 'vitest';
import { parseFleet } from '../../../src/fleet/explore/fleet.ts';
import { writeScenario } from '../../../src/fleet/explore/write.ts';
import { FAULT_NAMES, type FaultName } from '../../../src/fleet/faults.ts';
import { parseScenario } from '../../../src/fleet/scenario.ts';
import { failuresOf, playScenario } from '../../support/scenarios.ts';
import { exploreFleet, textWith } from './support.ts';

/** Plans from seed 7 within which each is found, and what then does not hold. */
const FOUND: Readonly<Record<FaultName, { readonly plans: number; readonly broken: RegExp }>> = {
  'phoenix-mutex': { plans: 5, broken: /^one-holder: token 1 was taken over, and its holder was well/ },
  'window-off-by-one': { plans: 20, broken: /^admitted-by-policy: client 4\.12\.1 was admitted/ },
  'newest-server-forgotten': { plans: 70, broken: /^admitted-by-policy: .* says CLIENT_OUTDATED/ },
  'waiter-does-not-read-again': { plans: 20, broken: /^(?:refused-for-a-reason|admitted-by-policy): / },
  'lease-not-renewed': { plans: 5, broken: /^one-holder: token 1 was taken over, and its holder was well/ },
};

describe.each(FAULT_NAMES)('%s', (fault) => {
  const { plans, broken } = FOUND[fault];

  test(`is found within ${plans} plans, shrunk to six steps or fewer, and plays again`, {
    timeout: 60_000,
  }, async () => {
    const text = textWith(fault);
    const { found } = await exploreFleet(parseFleet(text), plans);
    if (found === null) throw new Error(`${fault} was not found`);
    expect(found.scenario.steps.length).toBeLessThanOrEqual(6);
    expect(found.steps).toBeGreaterThanOrEqual(found.scenario.steps.length);

    const written = writeScenario(text, found);
    const again = await playScenario(parseScenario(written));
    const [failure] = again.failures;
    expect(again.failures).toHaveLength(1);
    expect(failure?.field).toBe('expect.invariants');
    expect(failure?.found).toMatch(broken);

    const sound = await playScenario(parseScenario(written.replace(/^fault: .*\n/m, '')));
    expect(failuresOf(sound)).toEqual([]);
  });
});
