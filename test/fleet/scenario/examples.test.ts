/** The shipped scenarios pass, on virtual time; with real processes in examples.slow.test.ts. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { needsReal } from '../../../src/fleet/validate.ts';
import { failuresOf, playScenario, readScenario, SCENARIOS, scenarioFiles } from '../../support/scenarios.ts';

const names = scenarioFiles.map((file) => path.basename(file));
const REAL_ONLY = ['major-script.yaml'];

test('all that were promised are there', () => {
  expect(names.toSorted()).toEqual([
    'before-4.3.yaml',
    'client-three-minors-old.yaml',
    'client-too-early.yaml',
    'direct-4.4-to-4.9.yaml',
    'gate-killed.yaml',
    'major-downtime.yaml',
    'major-script.yaml',
    'minor-rolling.yaml',
    'mixed-window.yaml',
    'patch-any-order.yaml',
    'restart-storm.yaml',
    'rollback.yaml',
  ]);
});

test('only those that run programs need real processes', () => {
  const demanding = scenarioFiles.filter((file) => needsReal(readScenario(file)).length > 0);
  expect(demanding.map((file) => path.basename(file))).toEqual(REAL_ONLY);
});

describe.each(names.filter((name) => !REAL_ONLY.includes(name)))('%s', (name) => {
  const file = path.join(SCENARIOS, name);

  test('passes on virtual time, with other seeds too', async () => {
    const scenario = readScenario(file);
    for (const seed of [1, 2]) {
      const report = await playScenario({ ...scenario, seed });
      expect(failuresOf(report)).toEqual([]);
      expect(report.checks.length).toBeGreaterThan(2);
    }
  });

  test('says what it shows before anything else, and is short', () => {
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines[0]).toMatch(/^# .{30}/);
    expect(lines.length).toBeLessThan(45);
  });
});

test.each([
  ['minor-rolling.yaml', { window: 0 }],
  ['client-too-early.yaml', { preset: 'phoenix-as-coded' }],
  ['mixed-window.yaml', { scope: 'server' }],
  ['client-three-minors-old.yaml', { window: 3 }],
  ['before-4.3.yaml', { lockstep: false }],
] as const)('%s fails under another policy: %j', async (name, other) => {
  const scenario = readScenario(path.join(SCENARIOS, name));
  const { failures } = await playScenario({ ...scenario, policy: { ...scenario.policy, ...other } });
  expect(failures.length).toBeGreaterThan(0);
});
