/** `skewgate plan`, run as a user runs it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';

const plan = (...args: string[]) => runCli(['plan', ...args]);

function configOf(...lines: string[]): string {
  const file = path.join(tempFolder(), 'gate.yaml');
  writeFileSync(file, lines.join('\n'));
  return file;
}

describe.concurrent('steps', () => {
  test('[M5] 4.0.0 to 4.2.0 goes by 4.1, as JSON', async () => {
    const { status, stdout, stderr } = await plan('--from', '4.0.0', '--to', '4.2.0', '--json');
    expect(JSON.parse(stdout).steps).toEqual([
      { from: '4.0.0', to: '4.1.0', fromLevel: 0, level: 3 },
      { from: '4.1.0', to: '4.2.0', fromLevel: 3, level: 4 },
    ]);
    expect({ status, stderr, lines: stdout.split('\n').length }).toEqual({ status: 0, stderr: '', lines: 2 });
  });

  test('[M5] for people: one line a step, from 4.3 on one step in all', async () => {
    const { status, stdout } = await plan('--from', '4.2.0', '--to', '4.9.0');
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stdout).toMatch(/1\s+4\.2\.0\s+4\.9\.0\s+level 4 to 20/);
    expect(stdout).not.toContain('downtime');
    expect(status).toBe(0);
  });

  test('[M3] where the level is there, nothing is to do', async () => {
    const { status, stdout } = await plan('--from', '4.11.0', '--to', '4.13.0');
    expect(stdout).toBe('Nothing to do: 4.13.0 needs level 27, and 4.11.0 left 27.\n');
    expect(status).toBe(0);
    const json = await plan('--from', '4.11.0', '--to', '4.13.0', '--json');
    expect(JSON.parse(json.stdout)).toEqual({ steps: [], runs: [], downtime: false });
  });
});

describe('--config', () => {
  test('[J1] releases and hooks of a config count; a file need say nothing else', async () => {
    const file = configOf(
      'catalogue:',
      '  releases:',
      '    - { version: 5.0.0, level: 28, major: { downtime: true, script: ./to-5.sh } }',
      '    - { version: 4.10.0, level: 25, mustStop: true }',
      'migration:',
      '  hooks:',
      '    4.9.0: { command: [./to-4.9.sh] }',
    );
    const args = ['--from', '4.8.0', '--to', '5.2.0', '--config', file];
    const { stdout } = await plan(...args, '--json');
    const { steps, runs, downtime } = JSON.parse(stdout);
    expect(steps.map(({ to }: { to: string }) => to)).toEqual(['4.10.0', '5.2.0']);
    expect(
      runs.map(({ to, own, script }: { to: string; own: boolean; script: string }) => [to, own, script]),
    ).toEqual([
      ['4.9.0', true, null],
      ['4.10.0', false, null],
      ['5.2.0', false, './to-5.sh'],
    ]);
    expect(downtime).toBe(true);
    expect((await plan(...args)).stdout).toContain('It needs downtime');
  });
});

describe.concurrent('wrong usage ends with status 2 and plans nothing', () => {
  test.each([
    [['--to', '4.2.0'], "required option '--from <version>' not specified"],
    [['--from', '4.0.0'], "required option '--to <version>' not specified"],
    [['--from', '4.0', '--to', '4.2.0'], '"4.0" is not a version'],
    [['--from', '4.0.0', '--to', 'later'], '"later" is not a version'],
    [['--from', '4.14.0', '--to', '5.2.0'], 'does not say what a major upgrade from 4.14 to 5.2 demands'],
    [['--from', '4.0.0', '--to', '4.2.0', '--config', 'nowhere.yaml'], 'nowhere.yaml: there is no such file'],
    [['--from', '4.0.0', '--to', '4.2.0', '--steps'], "unknown option '--steps'"],
  ])('%j', async (args, reason) => {
    const { status, stdout, stderr } = await plan(...args);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('    at ');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});
