/** The config that a gate of a scenario gets says what the scenario says. */
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { writeGateConfig } from '../../../src/fleet/real/config.ts';
import { parseScenario } from '../../../src/fleet/scenario.ts';

const FULL = `
name: everything
servers: { version: 4.14.0 }
policy: { preset: custom, window: null, scope: server, autoUpgrade: false }
catalogue:
  extends: none
  lockstepBelow: 4.3.0
  releases:
    - { version: 4.14.0, level: 3, window: 5, accepts: [3.10], notes: a note, major: { downtime: true } }
migration:
  baseline: 4.13.0
  lease: 1500ms
  trigger: { approval: true, window: '02:00-04:30', canary: first, clients: 3 }
  hook: { command: [sh, migrate.sh], timeout: 90s }
  hooks: { 4.14.0: { module: own.mjs, timeout: 2m } }
  check: { http: 'http://127.0.0.1:1/check', timeout: 1s }
  snapshot: { command: [sh, snapshot.sh] }
  restore: { command: [sh, restore.sh] }
  retry: { attempts: 7, backOff: 250ms }
  hold: { deadline: 7s, clients: 8, everyone: true, ramp: 9 }
  grace: 3m
  drain: 11ms
timeouts: { handshake: 1s, hold: 2s, dial: 3s, probe: 4s, fresh: 5ms, drain: 6s }
steps: [{ wait: 1s }]
`;

test.each([
  ['all there is to say', FULL],
  ['nothing but defaults', '{ name: x, servers: { version: 4.14.0 }, steps: [{ wait: 1s }] }'],
])('%s', (_, text) => {
  const scenario = parseScenario(text);
  const place = {
    cluster: 'main',
    servers: [{ id: 'rs1', address: 'ws://127.0.0.1:9001' }],
    assumed: ['4.13.0', '4.14.0'],
    ledger: 'sqlite:/somewhere/ledger.db',
    id: 'gate1',
    log: '/somewhere/gate1.ndjson',
  };
  const config = parseConfig(writeGateConfig(scenario, place));
  const { policy, catalogue, migration, timeouts } = scenario;
  expect(config).toMatchObject({ id: 'gate1', cluster: 'main', servers: place.servers, policy, timeouts });
  expect(config.catalogue).toEqual(catalogue);
  expect(config.migration).toEqual({ ...migration, ledger: place.ledger });
  expect(config.listen.map(({ assume = null }) => assume)).toEqual([null, null, '4.13.0', '4.14.0']);
  expect(config.log).toMatchObject({ file: place.log, durable: true });
});
