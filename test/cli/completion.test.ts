/** Completion scripts, sourced by a real shell where there is one. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';

/** What bash offers where the cursor stands behind the last of these words. */
function offers(script: string, ...words: string[]): string[] {
  const { stdout, stderr } = spawnSync(
    'bash',
    [
      '--norc',
      '-c',
      `eval "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _skewgate; printf '%s\\n' "\${COMPREPLY[@]}"; complete -p skewgate >&2`,
      'bash',
      'skewgate',
      ...words,
    ],
    { env: { ...process.env, SCRIPT: script }, encoding: 'utf8' },
  );
  expect(stderr).toBe('complete -o default -F _skewgate skewgate\n');
  return stdout.trim().split('\n').filter(Boolean);
}

test('bash completes commands, the verbs of a group, options, and what an option may be', async () => {
  const { status, stdout, stderr } = await runCli(['completion', 'bash']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(offers(stdout, 'ex')).toEqual(['explain', 'explore']);
  expect(offers(stdout, 'migration', 'b')).toEqual(['block']);
  expect(offers(stdout, 'migration', 'block', '--f')).toEqual(['--for']);
  expect(offers(stdout, 'explain', '--client', '4.14.0', '--preset', 'ph')).toEqual([
    'phoenix',
    'phoenix-as-coded',
  ]);
  expect(offers(stdout, 'completion', 'z')).toEqual(['zsh']);
  // Files are left to the shell.
  expect(offers(stdout, 'serve', 'gate')).toEqual([]);
});

test('zsh takes the script of bash; fish gets lines of its own; another shell is wrong usage', async () => {
  const [bash, zsh, fish, other] = await Promise.all(
    ['bash', 'zsh', 'fish', 'tcsh'].map((shell) => runCli(['completion', shell])),
  );
  expect(zsh?.stdout).toBe(`autoload -U +X bashcompinit && bashcompinit\n${bash?.stdout}`);
  const lines = fish?.stdout.trim().split('\n') ?? [];
  for (const line of lines) expect(line).toMatch(/^complete -c skewgate -n '[^']+' -[al] \S+.* -d '.*'$/);
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^complete -c skewgate -n '__fish_seen_subcommand_from explain' -l preset -x -a 'phoenix /,
    ),
  );
  expect(other?.status).toBe(2);
});
