/** `skewgate explore` as its user sees it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { INVARIANTS } from '../../../src/fleet/invariants.ts';
import { MAIN, runCli } from '../../support/cli.ts';
import { tempFolder } from '../../support/folder.ts';
import { readSources } from '../../support/imports.ts';
import { textWith } from './support.ts';

const TIME = 60_000;
const explore = (...args: string[]) => runCli(['explore', ...args], { timeoutMs: TIME });

test('all held: status 0, with seed, plans, steps and what was covered; nothing is written', {
  timeout: TIME,
}, async () => {
  const folder = tempFolder();
  const { status, stdout, stderr } = await runCli(
    ['explore', '--runs', '8', '--seed', '7', '--max-steps', '6'],
    {
      cwd: folder,
      timeoutMs: TIME,
    },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(
    /^the default fleet: 8 plans of up to 6 steps, seed 7\n8 plans, \d+ steps \(\d+ skipped/,
  );
  expect(stdout).toMatch(/^pairs of versions that met: \d+ of 16/m);
  expect(stdout).toMatch(/^steps while an upgrade ran: \d+, of \d+ kinds?/m);
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^Everything (?:that was reached )?held \(seed 7\)\.$/);
  expect(existsSync(path.join(folder, 'explored.yaml'))).toBe(false);
});

test('a plan fails: status 1, shrunk, and written so that skewgate test fails on it too', {
  timeout: TIME,
}, async () => {
  const folder = tempFolder();
  const [fleet, out] = [path.join(folder, 'fleet.yaml'), path.join(folder, 'found.yaml')];
  writeFileSync(fleet, `# ours\n${textWith('lease-not-renewed')}`);
  const { status, stdout } = await explore(fleet, '--runs', '20', '--seed', '7', '--out', out);
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^Plan \d+ failed: one-holder\n {2}token 1 was taken over, and its holder was well$/m,
  );
  expect(stdout).toMatch(/^Shrunk from \d+ steps to [12]:\n {2}1\. /m);
  expect(stdout).toContain(`play it again: skewgate test ${out}`);
  expect(readFileSync(out, 'utf8')).toMatch(
    /^# Found by skewgate explore --seed 7: plan \d+, of \d+ steps, shrunk\.$/m,
  );
  expect(readFileSync(out, 'utf8')).toContain('# ours');
  const again = await runCli(['test', out]);
  expect(again.status).toBe(1);
  expect(again.stdout).toMatch(/expect\.invariants +"?hold"? +.*one-holder: token 1 was taken over/);
});

test('--json: one object with the same', { timeout: TIME }, async () => {
  const folder = tempFolder();
  const [fleet, out] = [path.join(folder, 'fleet.yaml'), path.join(folder, 'found.yaml')];
  writeFileSync(fleet, textWith('lease-not-renewed'));
  const { status, stdout } = await explore(fleet, '--runs', '20', '--seed', '7', '--out', out, '--json');
  expect(status).toBe(1);
  const { seed, covered, found, log } = JSON.parse(stdout);
  expect(seed).toBe(7);
  expect(log).toMatch(/^[0-9a-f]{12}$/);
  expect(covered.pairs.of).toBe(16);
  expect(found.file).toBe(out);
  expect(found.violations[0].invariant).toBe('one-holder');
  expect(found.steps.length).toBeLessThanOrEqual(2);
});

test('without --out no file is overwritten: the next free name is taken, and said', {
  timeout: TIME,
}, async () => {
  const folder = tempFolder();
  writeFileSync(path.join(folder, 'fleet.yaml'), textWith('lease-not-renewed'));
  writeFileSync(path.join(folder, 'explored.yaml'), 'mine');
  const { status, stdout } = await runCli(['explore', 'fleet.yaml', '--runs', '20', '--seed', '7'], {
    cwd: folder,
    timeoutMs: TIME,
  });
  expect(status).toBe(1);
  expect(stdout).toContain('Written to explored-2.yaml; play it again: skewgate test explored-2.yaml');
  expect(readFileSync(path.join(folder, 'explored.yaml'), 'utf8')).toBe('mine');
  expect(readFileSync(path.join(folder, 'explored-2.yaml'), 'utf8')).toContain('fault: lease-not-renewed');
});

test('--list prints every invariant with its sentence, and plays nothing', async () => {
  const { status, stdout } = await explore('--list');
  expect(status).toBe(0);
  expect(stdout.trimEnd().split('\n')).toHaveLength(INVARIANTS.length);
  for (const { id, sentence } of INVARIANTS) {
    expect(stdout).toContain(id);
    expect(stdout).toContain(sentence);
  }
  expect(JSON.parse((await explore('--list', '--json')).stdout)).toEqual(
    INVARIANTS.map(({ id, sentence }) => ({ id, sentence })),
  );
});

test('a fleet on which no upgrade can run: what held is not called everything, and what to change is said', {
  timeout: TIME,
}, async () => {
  const file = path.join(tempFolder(), 'fleet.yaml');
  writeFileSync(file, 'gates: 2\nservers: { version: 2.8.0 }\nclients: [{ name: web, version: 2.8.0 }]\n');
  const { status, stdout } = await explore(file, '--runs', '3', '--max-steps', '4');
  expect(status).toBe(0);
  expect(stdout).toContain(
    'not reached: no upgrade of the system tables can run on this fleet: it has no system tables: state servers.tables',
  );
  expect(stdout).toContain('Everything that was reached held (seed 1).');
  expect(stdout).not.toContain('Everything held');
});

test('a file that is wrong: status 2, with line and field, and nothing is played', async () => {
  const file = path.join(tempFolder(), 'fleet.yaml');
  writeFileSync(file, 'servers: { count: 3, version: 4.14.0 }\nfault: phoenix-mutexx\n');
  const { status, stdout, stderr } = await explore(file);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/fleet\.yaml:2: fault: /);
});

test('Ctrl-C ends it, and whoever plays plans for it, at once', { timeout: TIME }, async () => {
  const child = spawn(process.execPath, [MAIN, 'explore', '--runs', '100000', '--jobs', '2'], {
    timeout: TIME,
    killSignal: 'SIGKILL',
  });
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([null, 'SIGINT']);
});

test.each([
  ['--runs', '0'],
  ['--jobs', '0'],
  ['--seed', 'x'],
  ['--max-steps', '0'],
])('%s %s is wrong usage', async (...args) => {
  expect((await explore(...args)).status).toBe(2);
});

test('fast-check is loaded by explore alone', () => {
  const users = readSources().filter(({ imports }) =>
    imports.some(({ specifier, typeOnly }) => specifier === 'fast-check' && !typeOnly),
  );
  expect(users.map(({ path: file }) => file).sort()).toEqual([
    'fleet/explore/explore.ts',
    'fleet/explore/plan.ts',
    'fleet/explore/shrink.ts',
  ]);
  const reached = readSources().flatMap(({ path: file, imports }) =>
    imports.some(
      ({ specifier, typeOnly }) => /explore\/(?:explore|plan|shrink)\.ts$/.test(specifier) && !typeOnly,
    )
      ? [file]
      : [],
  );
  expect(reached).not.toContain('cli/main.ts');
});
