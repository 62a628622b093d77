/** `skewgate serve` without a file: the first thing a new user sees, tried as it says. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { type Program, startCli } from '../support/program.ts';

test('the example prints its addresses and three commands; each does what the text above it says', async () => {
  const folder = tempFolder();
  const gate = startCli(['serve'], { cwd: folder });
  await gate.waitFor(/Decisions:/, 'stdout');
  const { lines } = gate;
  expect(lines.find((line) => /^ {2}skewgate:\/\/127\.0\.0\.1:\d+$/.test(line))).toBeDefined();
  expect(lines.find((line) => /^ {2}skewgate\+ws:\/\/127\.0\.0\.1:\d+$/.test(line))).toBeDefined();
  const commands = lines.flatMap((line, at) =>
    line.startsWith('    npx skewgate connect ')
      ? [{ says: lines[at - 1] as string, command: line.trim() }]
      : [],
  );
  expect(
    commands.map(({ says }) =>
      says
        .trim()
        .split(/[:,( ]+/)
        .slice(0, 5)
        .join(' '),
    ),
  ).toEqual(['a client that is admitted', 'one that is refused newer', 'one that brings the one-time']);

  const [admitted, refused, upgrade] = await inOrder(
    commands.map(
      ({ command }) =>
        () =>
          runCli(shellWords(command), { input: 'hello\n', cwd: folder }),
    ),
  );
  expect(admitted).toMatchObject({
    status: 0,
    stdout: 'hello\n',
    stderr: expect.stringMatching(/admitted as 4\.13\.2 by server rs\d/),
  });
  expect(refused).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /refused SERVER_OUTDATED \(rule M1\)[\s\S]*Move: server to 4\.15 \(rs1, rs2, rs3\)/,
    ),
  });
  expect(upgrade).toMatchObject({
    status: 0,
    stdout: 'hello\n',
    stderr: expect.stringMatching(/waiting \(UPGRADE[\s\S]*admitted as 4\.14\.0/),
  });

  gate.signal('SIGINT');
  expect(await gate.exited).toBe(0);
  // What it prints under "Decisions" is what became of the three.
  const decisions = gate.stdout.slice(gate.stdout.indexOf('Decisions:'));
  expect(decisions).toMatch(
    /permit +4\.13\.2 +PERMITTED[\s\S]*refuse +4\.15\.0 +SERVER_OUTDATED M1[\s\S]*upgrade [\s\S]*permit +4\.14\.0 +PERMITTED/,
  );
});

test('two examples at once, in one folder, disturb each other neither in ports nor in state', async () => {
  const folder = tempFolder();
  const gates: Program[] = [];
  const ports: unknown[] = [];
  const ledgers: unknown[] = [];
  for (let at = 0; at < 2; at++) {
    const gate = startCli(['serve'], { cwd: folder });
    gates.push(gate);
    ports.push((await gate.waitFor(/skewgate:\/\/127\.0\.0\.1:(\d+)\n/, 'stdout'))[1]);
    ledgers.push((await gate.waitFor(/--ledger (\S+)/, 'stdout'))[1]);
    expect(gate.stdout).toMatch(/^skewgate is up: /);
  }
  expect(ports[0]).not.toBe(ports[1]);
  expect(ledgers[0]).not.toBe(ledgers[1]);
  for (const gate of gates) gate.signal('SIGINT');
  expect(await Promise.all(gates.map(({ exited }) => exited))).toEqual([0, 0]);
  expect(readdirSync(folder)).toEqual([]);
});

async function inOrder<T>(steps: ReadonlyArray<() => Promise<T>>): Promise<T[]> {
  const results: T[] = [];
  for (const step of steps) results.push(await step());
  return results;
}

/** The arguments behind `npx skewgate`, as a shell splits them. */
function shellWords(command: string): string[] {
  const { stdout } = spawnSync('sh', ['-c', `npx() { printf '%s\\n' "$@"; }; ${command}`], {
    encoding: 'utf8',
  });
  const [program, ...args] = stdout.trimEnd().split('\n');
  expect(program).toBe('skewgate');
  return args;
}

test('examples that start at the same moment all run, each on ports of its own', async () => {
  const gates = Array.from({ length: 4 }, () => startCli(['serve'], { cwd: tempFolder() }));
  const addresses = await Promise.all(
    gates.map(async (gate) => (await gate.waitFor(/^ {2}(skewgate:\/\/\S+)$/m, 'stdout'))[1]),
  );
  expect(new Set(addresses).size).toBe(4);
  for (const gate of gates) gate.signal('SIGINT');
  expect(await Promise.all(gates.map(({ exited }) => exited))).toEqual([0, 0, 0, 0]);
});
