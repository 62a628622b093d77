/** A scenario file that is wrong is refused before anything runs, with line and field. */
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/config/load.ts';
import { parseScenario } from '../../../src/fleet/scenario.ts';
import { needsVirtual } from '../../../src/fleet/validate.ts';

const FILE = `name: a test
gates: 2
servers: { count: 3, version: 4.14.0 }
clients:
  - { name: app, version: 4.13.2 }
  - { name: batch, version: 4.14.0 }
steps:
  - connect: app
`;

function problemsIn(text: string): string[] {
  try {
    parseScenario(text, 'fleet.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}
const withStep = (step: string) => problemsIn(`${FILE}  - ${step}\n`);
const withExpect = (text: string) => problemsIn(`${FILE}expect: ${text}\n`);

test('a file that is right is taken, and what it leaves out has its default', () => {
  expect(problemsIn(FILE)).toEqual([]);
  expect(parseScenario(FILE)).toMatchObject({
    seed: 1,
    servers: { count: 3, upgradeTime: 2_000 },
    clients: [{ count: 1, over: 0, upgrade: 'may' }, {}],
    network: { latency: 1, loss: 0 },
    policy: { preset: 'phoenix' },
  });
});

describe('names of what is not there', () => {
  test.each([
    ['connect: ap', 'connect: there is no client group "ap": there are app, batch'],
    ['arrive: ap', 'arrive: there is no client group "ap": there are app, batch'],
    ['disconnect: rs1', 'disconnect: there is no client group "rs1": there are app, batch'],
    [
      'change: { group: web, to: 4.14.0 }',
      'change.group: there is no client group "web": there are app, batch',
    ],
    [
      'roll: { to: 4.15.0, servers: [rs1, rs9] }',
      'roll.servers[1]: there is no server "rs9": there are rs1, rs2, rs3',
    ],
    [
      'roll: { to: 4.15.0, servers: [gate1] }',
      'roll.servers[0]: there is no server "gate1": there are rs1, rs2, rs3',
    ],
    ['restart: rs9', 'restart: there is no server or gate "rs9": there are rs1, rs2, rs3, gate1, gate2'],
    ['kill: gate3', 'kill: there is no server or gate "gate3": there are rs1, rs2, rs3, gate1, gate2'],
    ['start: app', 'start: there is no server or gate "app": there are rs1, rs2, rs3, gate1, gate2'],
    ['pause: rs0', 'pause: there is no server or gate "rs0": there are rs1, rs2, rs3, gate1, gate2'],
    ['resume: rs4', 'resume: there is no server or gate "rs4": there are rs1, rs2, rs3, gate1, gate2'],
    [
      'cut: [gate1, rs4]',
      'cut[1]: there is no server or gate "rs4": there are rs1, rs2, rs3, gate1, gate2, ledger',
    ],
    [
      'heal: [rs4, gate1]',
      'heal[0]: there is no server or gate "rs4": there are rs1, rs2, rs3, gate1, gate2, ledger',
    ],
  ])('%s', (step, problem) => {
    expect(withStep(step)).toEqual([`fleet.yaml:9: steps[1].${problem}`]);
  });

  test('a scenario without clients says that there are none', () => {
    const text = 'name: x\nservers: { version: 4.14.0 }\nsteps:\n  - connect: app\n';
    expect(problemsIn(text)).toEqual([
      'fleet.yaml:4: steps[0].connect: there is no client group "app": there is none',
    ]);
  });

  test('two groups of one name, and a group named like a server', () => {
    expect(problemsIn(FILE.replace('name: batch', 'name: app'))).toEqual([
      'fleet.yaml:6: clients[1].name: a second group "app"',
    ]);
    expect(problemsIn(FILE.replace('name: batch', 'name: rs2'))).toEqual([
      'fleet.yaml:6: clients[1].name: rs2 is a name of this fleet',
    ]);
  });

  test('all of them are said, not the first alone', () => {
    expect(problemsIn(`${FILE}  - kill: rs7\n  - connect: web\n`)).toHaveLength(2);
  });
});

describe('expectations that can only be slips', () => {
  test('versions that no client ever has', () => {
    expect(withExpect('{ admitted: { 4.13.3: 1 } }')).toEqual([
      'fleet.yaml:9: expect.admitted.4.13.3: no client is ever on 4.13.3: there are 4.13.2, 4.14.0',
    ]);
    expect(withExpect('{ refused: { SERVER_OUTDATED: { 4.15.0: 1 } } }')).toEqual([
      'fleet.yaml:9: expect.refused.SERVER_OUTDATED.4.15.0: no client is ever on 4.15.0: there are 4.13.2, 4.14.0',
    ]);
    expect(withStep('expect: { admitted: { 4.9.0: 0 } }')[0]).toContain('steps[1].expect.admitted.4.9.0');
  });

  test('but not versions that a group is upgraded to', () => {
    const text = `${FILE}  - change: { group: app, to: 4.15.0 }\nexpect: { admitted: { 4.15.0: 1 } }\n`;
    expect(problemsIn(text)).toEqual([]);
  });

  test.each([
    ['{ refused: { SERVER_OLD: 1 } }', /expect\.refused/],
    ['{ drops: 0 }', /expect\.drops: there is no such key/],
    ['{ dropped: -1 }', /expect\.dropped: must be at least 0, not -1/],
    ['{ longestWait: 5 }', /expect\.longestWait: "5" is not of the form/],
    ['{ matrix: { 4.14: maybe } }', /expect\.matrix\.4\.14/],
    ['{ matrix: { 4: permit } }', /expect\.matrix\.4: .*"4" is not a version/],
    ['{ decisions: { ADMITTED: 1 } }', /expect\.decisions/],
    // They would compare nothing, and so always hold.
    ['{}', /expect: needs at least 1 entry/],
    ['{ admitted: {} }', /expect\.admitted: needs at least 1 entry/],
    ['{ refused: {} }', /expect\.refused: needs at least 1 entry/],
    ['{ refused: { SERVER_OUTDATED: {} } }', /expect\.refused\.SERVER_OUTDATED: needs at least 1 entry/],
    ['{ matrix: {} }', /expect\.matrix: needs at least 1 entry/],
    ['{ matrix: { 4.14: {} } }', /expect\.matrix\.4\.14: needs at least 1 entry/],
  ])('%s', (text, problem) => {
    const problems = withExpect(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });
});

describe('steps', () => {
  test.each([
    ['{ connect: app, wait: 1s }', 'steps[1]: a step has exactly one key'],
    ['{}', 'steps[1]: a step has exactly one key'],
    ['reboot: rs1', 'steps[1].reboot: there is no such key'],
    ['wait: 5', 'steps[1].wait: "5" is not of the form 500ms, 15s, 10m, 2h or 1d'],
    ['roll: { batch: 2 }', 'steps[1].roll.to: is missing'],
    [
      'roll: { to: 4.15 }',
      'steps[1].roll.to: "4.15" is not a version: it has 2 parts, not the 3 of major.minor.patch',
    ],
    ['roll: { to: 4.15.0, batch: 0 }', 'steps[1].roll.batch: must be at least 1, not 0'],
    [
      'operator: stop',
      'steps[1].operator: "stop" is none of approve, block, unblock, retry, abort, accept-ledger',
    ],
    ['run: { command: [] }', 'steps[1].run.command: needs at least 1 entry'],
    ['expect: {}', 'steps[1].expect: needs at least 1 entry'],
    ['until: { within: 5s }', 'steps[1].until: needs something to wait for'],
    [
      'until: { sessions: 1, within: 5 }',
      'steps[1].until.within: "5" is not of the form 500ms, 15s, 10m, 2h or 1d',
    ],
    [
      'cut: [rs1, rs2]',
      'steps[1].cut: there is no link between rs1 and rs2: one end is a gate, the other a server or the ledger',
    ],
    [
      'cut: [gate1, gate2]',
      'steps[1].cut: there is no link between gate1 and gate2: one end is a gate, the other a server or the ledger',
    ],
    [
      'heal: [ledger, rs1]',
      'steps[1].heal: there is no link between ledger and rs1: one end is a gate, the other a server or the ledger',
    ],
  ])('%s', (step, problem) => {
    expect(withStep(step)).toEqual([`fleet.yaml:9: ${problem}`]);
  });

  test('there is at least one', () => {
    expect(problemsIn(FILE.replace('\n  - connect: app', ' []'))).toEqual([
      'fleet.yaml:7: steps: needs at least 1 entry',
    ]);
  });
});

test('a preset that goes by what a scenario can not state', () => {
  expect(problemsIn(`${FILE}policy: { preset: ranges }\n`)).toEqual([
    'fleet.yaml:9: policy.preset: goes by protocol versions, which a scenario can not state',
  ]);
});

test('what only virtual time can honour is named, and nothing else', () => {
  expect(needsVirtual(parseScenario(FILE))).toEqual([]);
  const text = `${FILE}  - cut: [gate1, rs1]
  - cut: [ledger, gate1]
network: { latency: 20ms, loss: 0.1 }
fault: phoenix-mutex
expect: { invariants: hold }
`;
  expect(needsVirtual(parseScenario(text))).toEqual([
    'fault',
    'network.loss',
    'network.latency',
    'steps[2].cut',
    'expect.invariants',
  ]);
  const etcd = `${text}migration: { ledger: 'etcd://127.0.0.1:2379' }\n`;
  expect(needsVirtual(parseScenario(etcd))).not.toContain('steps[2].cut');
});
