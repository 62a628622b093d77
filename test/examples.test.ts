/** What examples/ shows is true: each file is accepted, each policy decides as its comments say, the driver runs. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../src/config/load.ts';
import { policyOf } from '../src/config/policy.ts';
import { decide } from '../src/policy/decide.ts';
import { parseVersion } from '../src/version/version.ts';
import { runCli } from './support/cli.ts';
import { installPackage } from './support/installed.ts';
import { type Program, startCli } from './support/program.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const EXAMPLES = path.join(ROOT, 'examples');
// Gate configs; others are fleets, which test/fleet reads.
const configs = readdirSync(EXAMPLES).filter(
  (file) => file.endsWith('.yaml') && /^listen:/m.test(readFileSync(path.join(EXAMPLES, file), 'utf8')),
);
const read = (file: string) => readFileSync(path.join(EXAMPLES, file), 'utf8');

describe.each(configs)('%s', (file) => {
  test('is a config that serve takes', async () => {
    const { status, stdout, stderr } = await runCli(['check', path.join(EXAMPLES, file)]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('valid');
  });

  test('names the schema for editors in its first line', () => {
    expect(read(file).split('\n')[0]).toBe('# yaml-language-server: $schema=./gate.schema.json');
  });

  test('a key that is misspelt would be noticed', () => {
    const broken = read(file).replace(/^policy:/m, 'polcy:');
    expect(() => parseConfig(broken, file)).toThrow(/:\d+: polcy: there is no such key/);
  });
});

/** `npx skewgate explain …` and `matrix …` in the comments of an example. */
const offline = configs.flatMap((file) =>
  [...read(file).matchAll(/^# {3}npx skewgate ((?:explain|matrix) .*)$/gm)].map(([, command]) => [
    file,
    command as string,
  ]),
);

test.each(offline)('%s: the comment `skewgate %s` works as it stands', async (_file, command) => {
  const { status, stderr } = await runCli(command.split(/ +/), { cwd: ROOT });
  expect(stderr).toBe('');
  expect(status).toBeLessThan(2);
});

/** example, client, server, verdict, code, rule */
const POLICIES = [
  ['first.yaml', '4.13.2', '4.15.0', 'permit', 'PERMITTED', 'M2'],
  ['first.yaml', '4.15.0', '4.14.1', 'refuse', 'SERVER_OUTDATED', 'M1'],
  ['any-tcp.yaml', '4.13.1', '4.14.0', 'permit', 'PERMITTED', 'M2'],
  ['any-tcp.yaml', '4.16.0', '4.14.0', 'refuse', 'SERVER_OUTDATED', 'M1'],
  ['kubernetes.yaml', '1.30.4', '1.33.0', 'permit', 'PERMITTED', 'M2'],
  ['kubernetes.yaml', '1.29.0', '1.33.0', 'refuse', 'CLIENT_OUTDATED', 'M2'],
  ['kubernetes.yaml', '1.32.0', '1.31.5', 'refuse', 'SERVER_OUTDATED', 'M1'],
  ['custom-policy.yaml', '2.8.0', '2.9.0', 'permit', 'PERMITTED', 'M2'],
  ['custom-policy.yaml', '2.7.0', '2.9.0', 'refuse', 'CLIENT_OUTDATED', 'M2'],
  ['custom-policy.yaml', '2.7.0', '2.10.0', 'permit', 'PERMITTED', 'M2'],
  ['custom-policy.yaml', '2.10.3', '3.0.1', 'permit', 'PERMITTED', 'J1'],
  ['custom-policy.yaml', '2.8.0', '3.0.1', 'refuse', 'MAJOR_MISMATCH', 'J1'],
  ['custom-policy.yaml', '2.10.3', '3.1.0', 'refuse', 'MAJOR_MISMATCH', 'J1'],
] as const;

const explain = (file: string, client: string, server: string, level: number | null = null) =>
  decide(
    { version: parseVersion(client), upgrade: 'may' },
    {
      servers: [{ id: 'server', version: parseVersion(server), state: 'up' }],
      level,
      upgrade: { state: 'idle' },
    },
    policyOf(parseConfig(read(file), file)),
  );

test.each(POLICIES)(
  '%s: client %s at server %s: %s %s by %s',
  (file, client, server, verdict, code, rule) => {
    expect(explain(file, client, server)).toMatchObject({ verdict, code, rule });
  },
);

test('custom-policy.yaml: an upgrade of the tables is brought, and a refusal passes on note and link', () => {
  expect(explain('custom-policy.yaml', '2.9.0', '2.9.0', 10)).toMatchObject({
    verdict: 'migrate',
    code: 'UPGRADE_NEEDED',
  });
  expect(explain('custom-policy.yaml', '2.8.0', '3.0.0').notes).toEqual([
    {
      release: '3.0.0',
      text: 'Clients before 2.9 cannot read prices of 3.0.',
      link: 'https://shop.example/upgrade-to-3',
    },
  ]);
});

test('explain --config judges by the policy of the file', async () => {
  const config = path.join(EXAMPLES, 'custom-policy.yaml');
  const args = ['--config', config, '--client', '2.7.0', '--json'];
  const [inside, outside] = await Promise.all([
    runCli(['explain', ...args, '--server', '2.10.0']),
    runCli(['explain', ...args, '--server', '2.9.0']),
  ]);
  expect(JSON.parse(inside.stdout)).toMatchObject({ verdict: 'permit', rule: 'M2' });
  expect(inside.status).toBe(0);
  expect(JSON.parse(outside.stdout)).toMatchObject({ verdict: 'refuse', code: 'CLIENT_OUTDATED' });
  expect(outside.status).toBe(1);
});

describe('programs', () => {
  let folder: string;
  let url: string;
  const running: Program[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'skewgate-examples-'));
    await installPackage(folder);
    await cp(path.join(EXAMPLES, 'driver.mjs'), path.join(folder, 'driver.mjs'));
    const start = async (args: readonly string[], ready: RegExp) => {
      const program = startCli(args, { keep: true });
      running.push(program);
      return (await program.waitFor(ready))[1] as string;
    };
    const startServer = (id: string, version: string, listen: string) =>
      start(['server', '--id', id, '--version', version, '--listen', listen], /server \S+ \S+ on (\S+)\n/);
    const [rs1, rs2] = [
      await startServer('rs1', '4.14.1', '127.0.0.1:0'),
      await startServer('rs2', '4.15.0', 'ws://127.0.0.1:0'),
    ];
    const config = read('first.yaml')
      .replace(/127\.0\.0\.1:870\d/g, '127.0.0.1:0')
      .replace('tcp://127.0.0.1:9001', rs1)
      .replace('ws://127.0.0.1:9002', rs2);
    const file = path.join(folder, 'gate.yaml');
    await writeFile(file, config);
    const gate = await start(['serve', file], /listening on tcp:\/\/([^,\s]+)[,\n]/);
    url = `skewgate://${gate}/?user=me&version=`;
  }, 60_000);

  afterAll(async () => {
    await Promise.all(running.map((program) => program.stop()));
    await rm(folder, { recursive: true });
  });

  const drive = (version: string) =>
    run(process.execPath, [path.join(folder, 'driver.mjs'), `${url}${version}`], { timeout: 15_000 }).then(
      ({ stdout }) => ({ status: 0, stdout }),
      ({ code, stdout, stderr }) => ({ status: code, stdout: `${stdout}${stderr}` }),
    );

  test('an admitted client talks to a server', async () => {
    const { status, stdout } = await drive('4.13.2');
    expect(stdout).toMatch(/^admitted by rs[12] \(4\.1[45]\.\d\), rule M2\nhello\n$/);
    expect(status).toBe(0);
  });

  test('a refused client has the facts', async () => {
    expect(await drive('4.16.0')).toEqual({
      status: 1,
      stdout: 'refused: SERVER_OUTDATED, server to 4.16, transient: false\n',
    });
  });

  test('fleet.test.mjs passes, and ends what it started', async () => {
    await cp(path.join(EXAMPLES, 'fleet.test.mjs'), path.join(folder, 'fleet.test.mjs'));
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', 'fleet.test.mjs'], {
      cwd: folder,
      env,
      timeout: 20_000,
    });
    expect(stdout).toMatch(/^# pass 2$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  });
});
