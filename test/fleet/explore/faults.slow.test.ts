/** Planted faults: each is found within a bounded number of plans, shrunk, and written so that it plays again. */
import { describe, expect, test } from 'vitest';
import { parseFleet } from '../../../src/fleet/explore/fleet-spec.ts';
import { play } from '../../../src/fleet/explore/run-plan.ts';
import { writeScenario } from '../../../src/fleet/explore/write-scenario.ts';
import { FAULT_NAMES, type FaultName } from '../../../src/fleet/faults.ts';
import { parseScenario } from '../../../src/fleet/scenario.ts';
import { failuresOf, playScenario } from '../../support/scenarios.ts';
import { exploreFleet, textWith } from './support.ts';

interface Finding {
  /** From seed 7 on, within which it is found. */
  readonly plans: number;
  /** What then does not hold. */
  readonly broken: RegExp;
  /** Other fields that fail when it is played again. */
  readonly also?: readonly string[];
}

const FOUND: Readonly<Record<FaultName, Finding>> = {
  'phoenix-mutex': { plans: 5, broken: /^one-holder: token 1 was taken over, and its holder was well/ },
  'window-off-by-one': { plans: 20, broken: /^admitted-by-policy: client 4\.12\.1 was admitted/ },
  'newest-server-forgotten': { plans: 20, broken: /^admitted-by-policy: client 4\.12\.1 was admitted/ },
  'waiter-does-not-read-again': { plans: 20, broken: /^(?:refused-for-a-reason|admitted-by-policy): / },
  'leases-by-own-clock': {
    plans: 100,
    broken: /^one-holder: token \d+ was taken over, and its holder was well/,
  },
  'ledger-taken-as-it-is': {
    plans: 10,
    broken: /^lost-ledger-is-doubted: an upgrade began under token \d+, and the ledger was in doubt/,
  },
  'steps-not-fenced': {
    plans: 25,
    broken: /^one-run-at-a-time: .* and both went through/,
  },
  'old-level-believed': {
    plans: 10,
    broken: /^success-is-kept: the step under token \d+ was done, and counted as failed/,
  },
  'write-tried-for-ever': {
    plans: 10,
    broken: /^waits-end: it does not end: it goes on/,
    also: ['steps[0]'],
  },
  'rests-too-long': {
    plans: 35,
    broken: /^refused-for-a-reason: .* was refused by gate\d with UPGRADE_FAILED/,
  },
  'waits-too-long': { plans: 220, broken: /^waits-end: .* answered / },
  'lease-not-renewed': { plans: 5, broken: /^one-holder: token 1 was taken over, and its holder was well/ },
};

describe.each(FAULT_NAMES)('%s', (fault) => {
  const { plans, broken, also = [] } = FOUND[fault];

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
    expect(again.failures.map(({ field }) => field)).toEqual([...also, 'expect.invariants']);
    expect(again.failures.at(-1)?.found).toMatch(broken);

    const sound = await playScenario(parseScenario(written.replace(/^fault: .*\n/m, '')));
    expect(failuresOf(sound)).toEqual([]);
  });
});

test('[M2] a newest server that is forgotten lets in who is too old for it', async () => {
  const fleet = parseFleet(textWith('newest-server-forgotten'));
  const roll = { to: '4.15.0', servers: ['rs3'], batch: 1, pause: 500, grace: 0 };
  const { violations } = await play(fleet, [{ roll }, { wait: 2_000 }, { connect: 'oldest' }]);
  expect(violations[0]).toMatchObject({
    invariant: 'admitted-by-policy',
    what: expect.stringMatching(
      /^client 4\.12\.1 was admitted by gate\d, and the policy says CLIENT_OUTDATED$/,
    ),
  });
});
