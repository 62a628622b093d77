/** Fleets in which something is out of the ordinary and nothing is broken: no invariant speaks up. */
import { expect, test } from 'vitest';
import { violationsIn } from '../../../src/fleet/invariants.ts';
import { playOn, playSteps, recordsOf } from './support.ts';

test('a gate that stood still while the upgrade was done, and then lost its ledger, may refuse by what it read before', async () => {
  const simulation = await playSteps(
    { arrive: 'current' },
    { pause: 'gate2' },
    { wait: '6s' },
    { cut: ['gate2', 'ledger'] },
    { resume: 'gate2' },
  );
  expect(
    recordsOf(simulation, 'handshake', 'refuse').map(({ record }) => Reflect.get(record, 'code')),
  ).toEqual(['LEDGER_UNAVAILABLE']);
  expect(await violationsIn(simulation)).toEqual([]);
});

test('a gate that began without its ledger admits nobody, whatever its refusals say', async () => {
  const roll = { to: '4.12.1', batch: 1, pause: '500ms', grace: '1s' };
  const simulation = await playSteps(
    { pause: 'gate1' },
    { arrive: 'current' },
    { pause: 'rs2' },
    { roll: { ...roll, servers: ['rs2'] } },
    { cut: ['gate2', 'ledger'] },
    { roll: { ...roll, servers: ['rs3', 'rs2'] } },
    { roll: { ...roll, servers: ['rs1'] } },
    { restart: 'gate2' },
    { wait: '6s' },
    { connect: 'oldest' },
  );
  expect(
    recordsOf(simulation, 'handshake', 'refuse').map(({ record }) => Reflect.get(record, 'code')),
  ).toContain('SERVER_BEHIND_TABLES');
  expect(await violationsIn(simulation)).toEqual([]);
});

test('a gate that lost its ledger before an upgrade admits nobody to what the upgrade did until that is on record', async () => {
  const simulation = await playSteps(
    { cut: ['gate2', 'ledger'] },
    { roll: { to: '4.15.0', batch: 3, pause: '500ms', grace: '0s' } },
    { connect: 'newest' },
    { wait: '500ms' },
    // The upgrade of gate1 raises the level at the servers; gate1 does not come to record that it is done.
    { pause: 'gate1' },
    { wait: '4500ms' },
    { change: { group: 'current', to: '4.15.0' } },
  );
  const raised = simulation.truth.runs.filter(({ how }) => how === 'completed');
  expect(raised.length).toBeGreaterThan(0);
  const after = recordsOf(simulation, 'handshake').filter(
    ({ gate, at, record }) =>
      gate === 'gate2' && at > (raised[0]?.end ?? 0) && Reflect.get(record, 'client') === '4.15.0',
  );
  expect(new Set(after.map(({ record }) => Reflect.get(record, 'code')))).toEqual(
    new Set(['LEDGER_UNAVAILABLE']),
  );
  expect(await violationsIn(simulation)).toEqual([]);
});

test('[M4] a gate that lost its ledger before an upgrade below 4.3 admits nobody who is older than the tables by then', async () => {
  const simulation = await playOn(
    `gates: 2
servers: { count: 2, version: 4.2.1, tables: 4.0.0, upgradeTime: 2s }
clients:
  - { name: old, version: 4.1.0, count: 2, again: 3s }
  - { name: newest, version: 4.2.1, again: 4s }
migration: { lease: 3s, hold: { deadline: 10s }, grace: 10s, trigger: { approval: true } }
timeouts: { handshake: 3s, hold: 5s, dial: 500ms, probe: 1s, fresh: 500ms, drain: 2s }
seed: 133008
`,
    { cut: ['gate1', 'ledger'] },
    { operator: 'approve' },
    { change: { group: 'old', to: '4.2.1' } },
    { change: { group: 'old', to: '4.0.0' } },
    { wait: '15s' },
  );
  const [raised] = simulation.truth.runs.filter(({ how }) => how === 'completed');
  const codes = recordsOf(simulation, 'handshake')
    .filter(({ gate, at }) => gate === 'gate1' && at > (raised?.end ?? Number.POSITIVE_INFINITY) + 1_000)
    .map(({ record }) => Reflect.get(record, 'code'));
  expect(new Set(codes)).toEqual(new Set(['LOCKSTEP']));
  expect(await violationsIn(simulation)).toEqual([]);
});

test('a gate that goes on after standing still refuses nobody by what it read of its ledger before', async () => {
  const simulation = await playSteps(
    { ledger: 'wiped' },
    { pause: 'gate1' },
    { kill: 'rs2' },
    { operator: 'accept-ledger' },
    { cut: ['gate1', 'rs1'] },
    { connect: 'current' },
    { kill: 'rs3' },
    { wait: '15s' },
    { resume: 'gate1' },
  );
  expect(
    recordsOf(simulation, 'handshake', 'refuse').map(({ record }) => Reflect.get(record, 'code')),
  ).not.toContain('UPGRADE_REQUIRED');
  expect(await violationsIn(simulation)).toEqual([]);
});
