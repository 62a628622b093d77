/** `skewgate matrix`, run as a user runs it. */
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';

const matrix = (...args: string[]) => runCli(['matrix', ...args]);

describe.concurrent('the table', () => {
  test('[M1] [M2] as text: servers first, and a window of two', async () => {
    const { status, stdout, stderr } = await matrix('--clients', '4.12..4.17', '--servers', '4.13..4.16');
    expect(stdout).toBe(
      [
        'client \\ server  4.13        4.14        4.15        4.16',
        '4.12             permit      permit      client old  client old',
        '4.13             permit      permit      permit      client old',
        '4.14             server old  permit      permit      permit',
        '4.15             server old  server old  permit      permit',
        '4.16             server old  server old  server old  permit',
        '4.17             server old  server old  server old  server old',
        '',
      ].join('\n'),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('in colour where the terminal shows it', async () => {
    const { stdout } = await runCli(['matrix', '--clients', '4.13..4.14', '--servers', '4.13'], {
      env: { FORCE_COLOR: '1' },
    });
    expect(stdout).toContain('\u001b[32mpermit\u001b[39m');
    expect(stdout).toContain('\u001b[31mserver old\u001b[39m');
  });

  test('[J1] as Markdown, over a change of major', async () => {
    const { status, stdout } = await matrix('--clients', '4.15..5.1', '--servers', '4.16..5.1', '--markdown');
    expect(stdout).toBe(
      [
        '| client \\\\ server | 4.16 | 5.0 | 5.1 |',
        '| --- | --- | --- | --- |',
        '| 4.15 | permit | major | major |',
        '| 4.16 | permit | major | permit |',
        '| 5.0 | server old | permit | permit |',
        '| 5.1 | server old | server old | permit |',
        '',
      ].join('\n'),
    );
    expect(status).toBe(0);
  });

  test('as JSON, one object a pair', async () => {
    const { status, stdout } = await matrix('--clients', '4.13..4.14', '--servers', '4.13..4.14', '--json');
    expect(JSON.parse(stdout)).toEqual([
      { client: '4.13', server: '4.13', verdict: 'permit', code: 'PERMITTED', rule: 'P1' },
      { client: '4.13', server: '4.14', verdict: 'permit', code: 'PERMITTED', rule: 'M2' },
      { client: '4.14', server: '4.13', verdict: 'refuse', code: 'SERVER_OUTDATED', rule: 'M1' },
      { client: '4.14', server: '4.14', verdict: 'permit', code: 'PERMITTED', rule: 'P1' },
    ]);
    expect(status).toBe(0);
  });

  test('of another preset: Kubernetes knows a window of three', async () => {
    const { stdout } = await matrix(
      ...['--clients', '1.27..1.32', '--servers', '1.31', '--preset', 'kubernetes', '--json'],
    );
    const codes = JSON.parse(stdout).map(({ code }: { code: string }) => code);
    expect(codes).toEqual(['CLIENT_OUTDATED', ...Array(4).fill('PERMITTED'), 'SERVER_OUTDATED']);
  });

  test('[M4] of the days of lockstep', async () => {
    const { stdout } = await matrix('--clients', '4.1..4.3', '--servers', '4.2..4.3', '--markdown');
    expect(stdout).toContain('| 4.1 | lockstep | permit |');
    expect(stdout).toContain('| 4.2 | permit | permit |');
  });
});

describe.concurrent('wrong usage ends with status 2 and prints no table', () => {
  test.each([
    [['--clients', '4.12..4.17'], "required option '--servers <range>' not specified"],
    [['--clients', '4.17..4.12', '--servers', '4.1'], 'the first release line is above the last'],
    [['--clients', '4.12.0..4.13.0', '--servers', '4.1'], '"4.12.0" is not a release line major.minor'],
    [['--clients', '4.1..4.2..4.3', '--servers', '4.1'], 'a range has two ends'],
    [['--clients', '0.0..999999999.0', '--servers', '4.1'], 'at most 200 release lines are shown'],
    [['--clients', '4.1', '--servers', '4.1', '--json', '--markdown'], "cannot be used with option '--json'"],
  ])('%j', async (args, reason) => {
    const { status, stdout, stderr } = await matrix(...args);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('    at ');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});
