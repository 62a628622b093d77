/** A fleet whose gates share a ledger in etcd, and lose sight of it. */
import { expect, test } from 'vitest';
import { createRealFleet } from '../../../src/fleet/real/real-fleet.ts';
import { runScenario } from '../../../src/fleet/run.ts';
import { parseScenario } from '../../../src/fleet/scenario.ts';
import { NO_ETCD, startEtcd } from '../../support/etcd.ts';

test.skipIf(NO_ETCD !== null)(
  '[M3] the gate that runs the upgrade loses the ledger: the other one ends it, once',
  async () => {
    await using etcd = await startEtcd();
    const scenario = parseScenario(`
name: etcd
gates: 2
servers: { count: 1, version: 4.14.0, tables: 4.13.0, upgradeTime: 1500ms }
clients: [{ name: first, version: 4.14.0 }, { name: second, version: 4.14.1 }, { name: late, version: 4.14.2, count: 2 }]
migration: { ledger: '${etcd.url}', lease: 1s }
timeouts: { probe: 200ms, fresh: 0ms }
steps:
  - connect: first
  - connect: second
  - cut: [gate1, ledger]
  - wait: 6s
  - heal: [ledger, gate1]
  - wait: 12s # until its client of etcd tries again
  - connect: late
  - wait: 1s
expect: { admitted: { 4.14.1: 1, 4.14.2: 2 }, upgrades: [28], level: 28, lost: 0 }
`);
    const report = await runScenario(scenario, createRealFleet(scenario));
    expect(report.failures).toEqual([]);
    const planned = report.facts.history.filter(({ what }) => what === 'planned');
    expect(new Set(planned.map(({ owner }) => owner)).size).toBe(2);
    expect(report.facts.history.filter(({ what }) => what === 'done')).toHaveLength(1);
  },
);
