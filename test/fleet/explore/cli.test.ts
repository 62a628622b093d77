/** `skewgate explore` as its user sees it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
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
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('Everything held (seed 7).');
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
  expect(stdout).toMatch(/^Shrunk from \d+ steps to 1:\n {2}1\. clients \w+ \(\S+\) begin to arrive$/m);
  expect(stdout).toContain(`play it again: skewgate test ${out}`);
  expect(readFileSync(out, 'utf8')).toMatch(
    /^# FailedPlan by skewgate explore --seed 7: plan \d+, of \d+ steps, shrunk\.$/m,
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
  expect(found).toMatchObject({ file: out, violations: [{ invariant: 'one-holder' }] });
  expect(found.steps).toHaveLength(1);
});

test('a file that is wrong: status 2, with line and field, and nothing is played', async () => {
  const file = path.join(tempFolder(), 'fleet.yaml');
  writeFileSync(file, 'servers: { count: 3, version: 4.14.0 }\nfault: phoenix-mutexx\n');
  const { status, stdout, stderr } = await explore(file);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/fleet\.yaml:2: fault: /);
});

test.each([
  ['--runs', '0'],
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
  ]);
  const reached = readSources().flatMap(({ path: file, imports }) =>
    imports.some(({ specifier, typeOnly }) => /explore\/(?:explore|plan)\.ts$/.test(specifier) && !typeOnly)
      ? [file]
      : [],
  );
  expect(reached).not.toContain('cli/main.ts');
});
