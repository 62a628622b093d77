/** A hundred thousand clients that connect within a minute of virtual time: and none is lost. */
import { expect, test } from 'vitest';
import { failuresOf, playScenario } from '../../support/scenarios.ts';
import { stormOf } from '../../support/storm.ts';

const COUNT = 100_000;
/** ms; a bound against hanging, not a measure. */
const LONGEST = 600_000;

test(
  'a hundred thousand clients',
  async () => {
    const report = await playScenario(stormOf(COUNT));
    expect(failuresOf(report)).toEqual([]);
    expect(report.facts.handshakes).toBe(0);
  },
  LONGEST,
);
