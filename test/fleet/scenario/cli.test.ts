/** `skewgate test` as its user sees it: what it prints in which order, where it writes, how it ends. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { tempFolder } from '../../support/folder.ts';
import { SCENARIOS } from '../../support/scenarios.ts';

const EARLY = path.join(SCENARIOS, 'client-too-early.yaml');
const PATCH = path.join(SCENARIOS, 'patch-any-order.yaml');

/** A copy that expects what does not happen. */
function failing(folder: string): string {
  const file = path.join(folder, 'failing.yaml');
  writeFileSync(file, readFileSync(EARLY, 'utf8').replace('  upgrades: [28]\n', '  upgrades: []\n'));
  return file;
}

test('the plan comes first, then what was done and came of it, each once; the log is written', async () => {
  const log = path.join(tempFolder(), 'log.ndjson');
  const { status, stdout, stderr } = await runCli(['test', EARLY, '--log', log]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const places = [
    'client upgraded too early (virtual)',
    'Plan\n  3 servers on 4.13.1, system tables as 4.13.0 left them\n  1 gate\n  app: 1 client on 4.13.1',
    '   5. roll rs1, rs2 to 4.14.0, 1 at a time, each seen up within 5 s, 0.5 s in between',
    'Timeline\n  time ',
    'client 4.14.0 refused: SERVER_OUTDATED (first of 2)',
    'Decisions',
    '4.14.0  early   refuse   SERVER_OUTDATED  2',
    'Refused',
    'server to 4.14 (rs1, rs2, rs3)  after-change',
    '4.14.0: Client 4.14.0 is newer than rs1 (4.13.1)',
    'Upgrades of the system tables',
    'Dropped sessions: none.',
    'passed client upgraded too early (2 admitted, 2 refused, 0 dropped; ',
  ].map((text) => stdout.indexOf(text));
  expect(places).not.toContain(-1);
  // Each step is told once in the plan, and once in the timeline.
  expect(stdout.split('disconnect').length - 1).toBe(2);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
  const records = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const codes = records.filter(({ event }) => event === 'handshake').map(({ code }) => code);
  expect(codes).toEqual(['PERMITTED', 'SERVER_OUTDATED', 'SERVER_OUTDATED', 'PERMITTED']);
  expect(new Set(records.map(({ gate }) => gate))).toEqual(new Set(['gate1']));
});

test('an expectation that does not hold: status 1, with what was expected and found; others are played too', async () => {
  const { status, stdout } = await runCli(['test', failing(tempFolder()), PATCH]);
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^Failed expectations\n {2}field +expected +found\n {2}expect\.upgrades +\[\] +\[28\]$/m,
  );
  expect(stdout).toMatch(/^FAILED client upgraded too early: 1 of 9 expectations/m);
  expect(stdout).toMatch(/^passed patch upgrade in any order/m);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('1 of 2 scenarios FAILED: client upgraded too early');
});

describe('wrong usage: status 2, and nothing is played', () => {
  const folderWith = (text: string) => {
    const file = path.join(tempFolder(), 'bad.yaml');
    writeFileSync(file, text);
    return file;
  };

  test('a bad file, also after a good one', async () => {
    const bad = folderWith(readFileSync(EARLY, 'utf8').replace('connect: early', 'connect: earli'));
    const { status, stdout, stderr } = await runCli(['test', EARLY, bad]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      `skewgate: ${bad}:10: steps[1].connect: there is no client group "earli": there are app, early\n`,
    );
  });

  test('a file that needs programs, on virtual time', async () => {
    const { status, stdout, stderr } = await runCli([
      'test',
      '--virtual',
      path.join(SCENARIOS, 'major-script.yaml'),
    ]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('catalogue.releases[0].major.script: runs a program, which needs --real');
  });

  test.each([
    [['--out', 'x', EARLY], /--out needs a --report/],
    [['--baseline', '/no/such/file', EARLY], /there is no such file/],
  ])('%j', async (args, message) => {
    const { status, stdout, stderr } = await runCli(['test', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

test('a report goes to standard output alone, or to its file', async () => {
  const file = path.join(tempFolder(), 'report.json');
  const [direct, filed] = await Promise.all([
    runCli(['test', EARLY, '--report', 'json']),
    runCli(['test', EARLY, '--report', 'json', '--out', file]),
  ]);
  expect(JSON.parse(direct.stdout)).toMatchObject({ passed: true, scenarios: [{ admitted: 2, refused: 2 }] });
  expect(direct.stderr).toContain('passed client upgraded too early');
  expect(filed.stdout).toContain('passed client upgraded too early');
  expect(filed.stdout.trimEnd().split('\n').at(-1)).toBe(`json report written to ${file}`);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(direct.stdout));
});

test('a baseline: the same decisions pass, others fail and are named', async () => {
  const folder = tempFolder();
  const baseline = path.join(folder, 'baseline.ndjson');
  expect((await runCli(['test', EARLY, '--log', baseline])).status).toBe(0);
  expect(existsSync(baseline)).toBe(true);
  const altered = (name: string, early: string) => {
    const text = readFileSync(EARLY, 'utf8').replace(
      'name: early, version',
      `name: early, ${early}, version`,
    );
    const file = path.join(folder, name);
    const unchecked = text.replace(/^expect:[\s\S]*/m, '').replaceAll(/expect: .*/g, 'wait: 100ms');
    writeFileSync(file, unchecked.replaceAll(/until: .*/g, 'wait: 10s'));
    return file;
  };
  const [same, more, other] = await Promise.all([
    runCli(['test', EARLY, '--baseline', baseline]),
    runCli(['test', altered('more.yaml', 'count: 2'), '--baseline', baseline]),
    runCli(['test', altered('shy.yaml', 'upgrade: must-not'), '--baseline', baseline]),
  ]);
  expect([same.status, more.status]).toEqual([0, 0]);
  expect(same.stdout).toContain('decided as in the baseline');
  expect(other.status).toBe(1);
  expect(other.stdout).toMatch(/^decided otherwise than in the baseline:\nclient 4\.14\.0/m);
});

test('--schema prints the schema for editors, of scenarios and of fleets', async () => {
  const [scenario, fleet] = await Promise.all([
    runCli(['test', '--schema']),
    runCli(['explore', '--schema']),
  ]);
  expect(JSON.parse(scenario.stdout)).toMatchObject({
    $id: 'urn:skewgate:scenario',
    required: expect.arrayContaining(['steps']),
  });
  expect(JSON.parse(fleet.stdout).$id).toBe('urn:skewgate:fleet');
  expect((await runCli(['test'])).status).toBe(2);
});
