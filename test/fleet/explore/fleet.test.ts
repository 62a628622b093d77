/** The default fleet under random plans: everything holds, every run goes alike, and much of the space is seen. */
import { expect, test } from 'vitest';
import { parseFleet } from '../../../src/fleet/explore/fleet-spec.ts';
import { whyNoUpgrade } from '../../../src/fleet/explore/plan.ts';
import { defaultFleet, exploreFleet } from './support.ts';

test('[M1] [M3] [N1] 60 plans hold all invariants, and reach what there is to reach', {
  timeout: 60_000,
}, async () => {
  const { found, plans, covered } = await exploreFleet(defaultFleet, 60);
  expect(found).toBeNull();
  expect(plans).toBe(60);
  expect(covered.pairs).toEqual({ met: 16, of: 16, missing: [] });
  expect(covered.upgrades).toBeGreaterThan(5);
  expect(covered.interleaved.steps).toBeGreaterThan(50);
  expect(covered.interleaved.kinds).toEqual(
    expect.arrayContaining(['arrive', 'cut', 'kill', 'operator', 'pause', 'restart', 'roll', 'wait']),
  );
  expect(covered.skipped).toBeGreaterThan(0);
  expect(covered.skipped).toBeLessThan(covered.steps);
});

test('same seed: same plans, same decision logs; another seed: others', { timeout: 60_000 }, async () => {
  const [one, again, other] = [
    await exploreFleet(defaultFleet, 8, 3),
    await exploreFleet(defaultFleet, 8, 3),
    await exploreFleet(defaultFleet, 8, 4),
  ];
  expect(again).toEqual(one);
  expect(other.log).not.toBe(one.log);
});

/** A fleet as a user states it: three versions, releases of its own, one level behind. */
const OWN = `servers: { count: 3, version: 2.8.1, tables: 2.8.0, upgradeTime: 1s }
clients:
  - { name: web, version: 2.8.0, count: 2 }
  - { name: batch, version: 2.9.0 }
catalogue:
  extends: none
  releases:
    - { version: 2.8.0, level: 1 }
    - { version: 2.9.0, level: 2 }
    - { version: 2.10.0, level: 3 }
`;

test("[M3] a user's own fleet: an upgrade runs to its end in at least a quarter of the plans", {
  timeout: 60_000,
}, async () => {
  const fleet = parseFleet(`${OWN}steps: [{ roll: { to: 2.10.0 } }]\n`);
  const { found, plans, covered } = await exploreFleet(fleet, 60);
  expect(found).toBeNull();
  expect(covered.upgradedPlans).toBeGreaterThanOrEqual(plans / 4);
  expect(covered.interleaved.steps).toBeGreaterThan(20);
});

test.each([
  ['no tables', OWN.replace(', tables: 2.8.0', ''), 'state servers.tables'],
  [
    'nothing newer',
    OWN.replaceAll(/2\.9\.0|2\.10\.0/g, '2.8.2').replace(/catalogue:.*/s, ''),
    'name a newer one',
  ],
  [
    'nobody who may',
    OWN.replaceAll(' }', ', upgrade: must-not }')
      .replace('1s, upgrade: must-not', '1s')
      .replace(/level: (\d), upgrade: must-not/g, 'level: $1'),
    'whose upgrade is "may"',
  ],
])('why no upgrade can run is said: %s', (_what, text, reason) => {
  expect(whyNoUpgrade(parseFleet(text))).toContain(reason);
});

test('where one can, nothing is said', () => {
  expect(whyNoUpgrade(parseFleet(OWN))).toBeNull();
});
