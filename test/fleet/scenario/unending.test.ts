/** What is tried for ever on virtual time is a failed scenario, of which everything up to then is outcome. */
import { expect, test } from 'vitest';
import { parseFleet } from '../../../src/fleet/explore/fleet-spec.ts';
import { play as playPlan } from '../../../src/fleet/explore/run-plan.ts';
import { failuresOf, play } from '../../support/scenarios.ts';
import { exploreFleet, textWith } from '../explore/support.ts';

const STATED = {
  gates: 2,
  servers: { count: 2, version: '4.14.0', tables: '4.13.0' },
  clients: [{ name: 'app', version: '4.14.0', count: 2 }],
  steps: [{ wait: '1s' }, { arrive: 'app' }],
  expect: { invariants: 'hold' },
};

test('a write that is tried for ever: the step, and the same again', async () => {
  const report = await play({ ...STATED, fault: 'write-tried-for-ever' });
  expect(failuresOf(report)).toEqual([
    expect.stringMatching(/^steps\[1\]: "it ends", "it goes on after \d+ timers"$/),
    expect.stringMatching(
      /^expect\.invariants: "hold", "waits-end: it does not end: it goes on after \d+ timers"$/,
    ),
  ]);
  expect(report.facts.records.length).toBeGreaterThan(0);
  const again = await play({ ...STATED, fault: 'write-tried-for-ever' });
  expect(again.failures).toEqual(report.failures);
  expect(again.log()).toEqual(report.log());
  expect(again.end).toBe(report.end);
});

test('without that it ends', async () => {
  expect(failuresOf(await play(STATED))).toEqual([]);
});

test('explore shrinks it like any other, until no step of it can go', { timeout: 60_000 }, async () => {
  const fleet = parseFleet(textWith('write-tried-for-ever'));
  const { found } = await exploreFleet(fleet, 30);
  expect(found?.violations.map(({ invariant }) => invariant)).toEqual(['waits-end']);
  const steps = found?.scenario.steps ?? [];
  expect(steps.length).toBeGreaterThan(0);
  expect(steps.length).toBeLessThan(found?.steps ?? 0);
  for (const at of steps.keys()) {
    const { violations } = await playPlan({ ...fleet, seed: 7 }, steps.toSpliced(at, 1));
    expect(violations).toEqual([]);
  }
});
