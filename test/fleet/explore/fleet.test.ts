/** The default fleet under random plans: everything holds, every run goes alike, and much of the space is seen. */
import { expect, test } from 'vitest';
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
