/** The bench itself: every proxy and tool that is on this machine, one short round each. Figures are not looked at. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { missing } from '../../bench/machine/programs.ts';
import { ROOT } from '../support/documents.ts';
import { tempFolder } from '../support/folder.ts';

const HERE = process.platform === 'linux' && missing('cc') === null;
/** Fleets have tests of their own that run the same commands. */
const NAMES = [
  'bulk',
  'sessions-64',
  'ping-64',
  'tools',
  'ws',
  'log',
  'memory',
  'held',
  'start',
  'decide',
  'parts',
];

interface Results {
  readonly experiments: ReadonlyArray<{
    readonly name: string;
    readonly figures: ReadonlyArray<{ readonly key: string }>;
    readonly values: Readonly<Record<string, ReadonlyArray<Readonly<Record<string, number>>>>>;
    readonly skipped: Readonly<Record<string, string>>;
  }>;
}

/** In a process group of its own, in which nothing may be left. */
async function bench(
  args: readonly string[],
  cwd: string,
): Promise<{ status: number; stdout: string; left: boolean }> {
  const child = spawn(process.execPath, [path.join(ROOT, 'bench/main.ts'), ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { status: status as number, stdout, left: isAlive(-(child.pid as number)) };
}

function isAlive(group: number): boolean {
  try {
    return process.kill(group, 0);
  } catch {
    return false;
  }
}

test.skipIf(!HERE)(
  'the bench measures every peer that is installed, and leaves no process behind',
  async () => {
    const folder = tempFolder();
    const file = path.join(folder, 'results.json');
    const { status, stdout, left } = await bench([...NAMES, 'servers', '--quick', '--json', file], folder);
    expect({ status, left }).toEqual({ status: 0, left: false });
    const { experiments }: Results = JSON.parse(readFileSync(file, 'utf8'));
    const failed = experiments.flatMap(({ name, skipped }) =>
      Object.entries(skipped).flatMap(([variant, why]) =>
        why.startsWith('not on this machine: ') ? [] : `${name}, ${variant}: ${why}`,
      ),
    );
    expect(failed).toEqual([]);
    for (const { name, values, figures } of experiments) {
      const rounds = Object.values(values).flat();
      expect(rounds.length, name).toBeGreaterThan(0);
      const numbers = rounds.flatMap((round) => Object.values(round));
      expect(
        numbers.filter((number) => !Number.isFinite(number)),
        name,
      ).toEqual([]);
      for (const { key } of figures)
        expect(
          rounds.some((round) => key in round),
          `${name} ${key}`,
        ).toBe(true);
    }
    expect(stdout).toContain('| bulk up, one connection, 64 KiB writes, MB/s |');
    expect(readFileSync(path.join(folder, 'bench-results/servers.svg'), 'utf8')).toMatch(
      /^<svg [\s\S]*<\/svg>\n$/,
    );
  },
);

test.skipIf(!HERE)('a soak finds no stall, no wrong byte and no descriptor that is left', async () => {
  const folder = tempFolder();
  const { status, stdout, left } = await bench(['soak', '--minutes', '0.1'], folder);
  expect({ status, left }, stdout).toEqual({ status: 0, left: false });
  expect(stdout).toContain('holds: 0 stalls, wrong bytes or unexpected ends');
  expect(stdout).toContain('passed');
  expect(readdirSync(path.join(folder, 'bench-results')).sort()).toEqual(['soak.csv', 'soak.svg']);
});
