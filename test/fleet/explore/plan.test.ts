/** Random plans: as long as asked, made of everything a scenario can do, and put in order at their end. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseFleet } from '../../../src/fleet/explore/fleet-spec.ts';
import { planOf, repairsAfter, versionsOf } from '../../../src/fleet/explore/plan.ts';
import { parseScenario } from '../../../src/fleet/scenario.ts';
import { partsOf, type Step, verbOf } from '../../../src/fleet/steps/registry.ts';
import { defaultFleet } from './support.ts';

const plans = fc.sample(planOf(defaultFleet, 12), { seed: 1, numRuns: 300 });

test('a plan has as many steps as asked at most, and plans of every length come', () => {
  expect(new Set(plans.map(({ length }) => length))).toEqual(
    new Set(Array.from({ length: 12 }, (_, at) => at + 1)),
  );
});

test('every kind of step comes', () => {
  expect([...new Set(plans.flat().map(verbOf))].sort()).toEqual([
    'arrive',
    'change',
    'clock',
    'connect',
    'cut',
    'disconnect',
    'heal',
    'kill',
    'ledger',
    'operator',
    'pause',
    'restart',
    'resume',
    'roll',
    'start',
    'wait',
  ]);
});

test('servers roll in any order, and the ledger can be cut off', () => {
  const orders = new Set(
    plans.flat().flatMap((step) => ('roll' in step ? (step.roll.servers ?? []).join(' ') : [])),
  );
  // Every sequence of one, two or three of three servers.
  expect(orders.size).toBe(15);
  expect(plans.flat().some((step) => 'cut' in step && step.cut[1] === 'ledger')).toBe(true);
});

test('versions are those that the file names, oldest first', () => {
  expect(versionsOf(defaultFleet)).toEqual(['4.12.1', '4.13.0', '4.13.1', '4.14.0', '4.14.2', '4.15.0']);
});

describe('the file of a fleet', () => {
  const FILE = `servers: { version: 2.8.1 }
clients:
  - { name: web, version: 2.8.0 }
`;

  test('of a scenario that somebody wrote, the versions that its steps move to are used too', () => {
    const steps = 'steps:\n  - roll: { to: 2.9.0 }\n  - change: { group: web, to: 2.9.1 }\n';
    expect(versionsOf(parseFleet(`${FILE}${steps}`))).toEqual(['2.8.0', '2.8.1', '2.9.0', '2.9.1']);
    expect(versionsOf(parseFleet(FILE))).toEqual(['2.8.0', '2.8.1']);
  });

  test.each([
    ['  - { name: web, version: 2.9.0 }\n', 'fleet:4: clients[1].name: a second group "web"'],
    [
      'migration: { hook: { command: [./upgrade.sh] } }\n',
      'fleet:4: migration.hook: runs a program, which random plans can not',
    ],
  ])('what random plans can not do is refused: %j', (more, problem) => {
    expect(() => parseFleet(`${FILE}${more}`)).toThrow(problem);
  });
});

test('repairs undo what a plan left behind, and nothing else', () => {
  const plan: Step[] = [
    { pause: 'rs1' },
    { kill: 'gate1' },
    { cut: ['gate2', 'rs1'] },
    { pause: 'gate2' },
    { resume: 'gate2' },
    { kill: 'rs2' },
    { restart: 'rs2' },
  ];
  expect(repairsAfter(plan)).toEqual([{ resume: 'rs1' }, { heal: ['gate2', 'rs1'] }, { start: 'gate1' }]);
  expect(repairsAfter([{ pause: 'rs1' }, { kill: 'rs1' }])).toEqual([{ start: 'rs1' }]);
});

test('a plan of any steps is a scenario file', () => {
  const steps = plans.flat().map((step) => {
    const [handler, value] = partsOf(step);
    return { [verbOf(step)]: handler.spell?.(value) ?? value };
  });
  const { clients } = defaultFleet;
  const groups = clients.map(({ name, version }) => ({ name, version }));
  const file = { name: 'x', gates: 2, servers: { count: 3, version: '4.14.2' }, clients: groups, steps };
  expect(parseScenario(stringify(file)).steps).toHaveLength(steps.length);
});
