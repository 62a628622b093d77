/** Two thousand clients that connect within a minute of virtual time; a hundred thousand in storm.slow.test.ts. */
import { expect, test } from 'vitest';
import { failuresOf, playScenario } from '../../support/scenarios.ts';
import { stormOf } from '../../support/storm.ts';

const COUNT = 2_000;

test('all are admitted, spread over the servers, and leave nothing behind', async () => {
  const report = await playScenario(stormOf(COUNT));
  expect(failuresOf(report)).toEqual([]);
  expect(report.facts.handshakes).toBe(0);
  const servers = Map.groupBy(
    report.facts.records.filter((record) => record.event === 'handshake'),
    ({ server }) => server,
  );
  expect([...servers.keys()].toSorted()).toEqual(['rs1', 'rs2', 'rs3']);
  for (const [, those] of servers) expect(Math.abs(those.length - COUNT / 3)).toBeLessThan(COUNT / 50);
}, 60_000);
