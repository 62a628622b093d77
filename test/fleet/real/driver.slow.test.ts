/** One small scenario on real processes, in the fast suite; the others are in contract.slow.test.ts. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createRealFleet } from '../../../src/fleet/real/real-fleet.ts';
import { runScenario } from '../../../src/fleet/run.ts';
import { parseScenario } from '../../../src/fleet/scenario.ts';
import { Simulation } from '../../../src/fleet/simulation.ts';
import { comparable } from './facts.ts';

const SCENARIO = `
name: one of each
gates: 1
servers: { count: 1, version: 4.14.0, tables: 4.13.0, upgradeTime: 100ms }
clients:
  - { name: app, version: 4.14.0, count: 2 }
  - { name: early, version: 4.15.0 }
timeouts: { probe: 200ms, fresh: 0ms }
steps:
  - connect: app
  - connect: early
  - wait: 800ms
expect: { decisions: { PERMITTED: 2, SERVER_OUTDATED: 1 }, upgrades: [28], level: 28, sessions: 2, dropped: 0 }
`;

/** Where the fleet puts its files: a folder of this test's own, so that what is left in it is seen. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'skewgate-real-'));
  vi.stubEnv('TMPDIR', folder);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
const left = () => readdirSync(folder).filter((name) => name.startsWith('skewgate'));

test('[M1] [M3] comes out as on virtual time, over TCP and WebSocket, and leaves nothing', async () => {
  const scenario = parseScenario(SCENARIO);
  const virtual = await runScenario(scenario, new Simulation(scenario));
  const real = await runScenario(scenario, createRealFleet(scenario));
  expect(real.failures).toEqual([]);
  expect(comparable(real)).toEqual(comparable(virtual));
  const listeners = real.facts.records.flatMap((record) =>
    record.event === 'handshake' ? [record.listener.split(':')[0]] : [],
  );
  expect(new Set(listeners)).toEqual(new Set(['tcp', 'ws']));
  expect(real.log().every((line) => JSON.parse(line).gate === 'gate1')).toBe(true);
  expect(left()).toEqual([]);
});

test('a scenario that fails in the middle leaves nothing either', async () => {
  const scenario = parseScenario(SCENARIO);
  const fleet = createRealFleet(scenario);
  await expect(fleet.finish(fleet.start().then(() => fleet.kill('rs9')))).rejects.toThrow('no server rs9');
  expect(left()).toEqual([]);
  await expect(fleet.startServer('rs1')).rejects.toThrow('not wanted any more');
});

test('what real processes can not do is said', async () => {
  const scenario = parseScenario(SCENARIO);
  await using fleet = createRealFleet(scenario);
  expect(() => fleet.cut('gate1', 'ledger')).toThrow(
    'gate1 and ledger: with real processes, links can be cut',
  );
  expect(() => fleet.cut('rs1', 'app-1')).toThrow('rs1 and app-1');
  const faulty = parseScenario(`${SCENARIO}fault: phoenix-mutex\n`);
  expect(() => createRealFleet(faulty)).toThrow('phoenix-mutex: real processes have no faults planted');
});
