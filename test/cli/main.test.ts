/** What holds for every command, `check`, and the published binary on a Node that is too old. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { startCli } from '../support/program.ts';
import { serversOf } from './support.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BINARY = path.join(ROOT, 'src/cli/skewgate.cjs');
const { version, engines } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
const COMMANDS = [
  'serve',
  'check',
  'explain',
  'matrix',
  'pairs',
  'plan',
  'connect',
  'token',
  'server',
  'test',
  'explore',
  'log',
  'next',
  'what-if',
  'clients',
  'status',
  'sessions',
  'pause',
  'resume',
  'drain',
  'undrain',
  'kick',
  'reload',
  'migration',
  'completion',
];
const HOOK = new URL('../support/loaded-modules.mjs', import.meta.url).href;

test('--help lists every command, --version prints the version; both on standard output with status 0', async () => {
  const [help, printed] = await Promise.all([runCli(['--help']), runCli(['--version'])]);
  expect([help.status, help.stderr]).toEqual([0, '']);
  for (const command of COMMANDS) expect(help.stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  expect(printed).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});

test.each(COMMANDS)('%s explains itself', async (command) => {
  const { status, stdout } = await runCli([command, '--help']);
  expect(status).toBe(0);
  expect(stdout).toMatch(new RegExp(`^Usage: skewgate ${command} `));
  expect(stdout).not.toMatch(/undefined/);
});

test.each(['--version', '--help'])('%s answers without loading the commands', async (option) => {
  const { status, stderr } = await runCli([option], { env: { NODE_OPTIONS: `--import ${HOOK}` } });
  expect(status).toBe(0);
  const loaded = stderr.trim().split('\n');
  expect(loaded).toContainEqual(expect.stringMatching(/cli\/main\.ts$/));
  expect(loaded.length).toBeLessThan(40);
  expect(loaded.filter((url) => /cli\/commands\//.test(url))).toEqual([]);
});

test('a command loads its own module, and not those of the others', async () => {
  const { stderr } = await runCli(['check', '--schema'], { env: { NODE_OPTIONS: `--import ${HOOK}` } });
  const commands = stderr.split('\n').filter((url) => /cli\/commands\//.test(url));
  expect(commands).toEqual([expect.stringMatching(/check\.ts$/)]);
});

test('the list of commands is in whole sentences, each as the others', async () => {
  const { stdout } = await runCli(['--help'], { env: { COLUMNS: '200' } });
  const listed = /Commands:\n([\s\S]*)/.exec(stdout)?.[1] as string;
  const summaries = [...listed.matchAll(/^ {2}([\w-]+) +(.*)$/gm)].filter(([, name]) => name !== 'help');
  expect(summaries.map(([, name]) => name)).toEqual(COMMANDS);
  for (const [, , summary] of summaries) expect(summary).toMatch(/^[A-Z].*\.$/);
});

test('a page of help shows no default that says nothing', async () => {
  const pages = await Promise.all(['explain', 'pairs'].map((command) => runCli([command, '--help'])));
  for (const { stdout } of pages) {
    expect(stdout).toMatch(/^Usage: /);
    expect(stdout).not.toContain('[])');
  }
});

test.each<[string[], RegExp]>([
  [[], /Usage: skewgate/],
  [['sever'], /unknown command 'sever'[\s\S]*\(Did you mean server\?\)/],
  [['serve', '--port', '1'], /unknown option '--port'[\s\S]*skewgate COMMAND --help/],
  [
    ['explain', '--cliend', '4.14.0', '--server', '4.14.0'],
    /^error: unknown option '--cliend'\n\(Did you mean --client\?\)/,
  ],
  [['serve', 'a', 'b'], /too many arguments/],
  [['check'], /state a config file to check/],
])('%j is wrong usage: status 2, and what would have been right', async (args, message) => {
  const { status, stdout, stderr } = await runCli(args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});

test('check says that a config is valid and what it amounts to; equal policies have equal hashes', async () => {
  const folder = tempFolder();
  const file = (name: string, more: string) => {
    const written = path.join(folder, name);
    writeFileSync(
      written,
      `listen: [{ tcp: 127.0.0.1:8700 }]\n${serversOf('tcp://127.0.0.1:1', 'ws://127.0.0.1:2')}\n${more}`,
    );
    return written;
  };
  const files = [
    file('a.yaml', ''),
    file('b.yaml', 'policy: { preset: phoenix }'),
    file('c.yaml', 'policy: { window: 3 }'),
  ];
  const results = await Promise.all(files.map((name) => runCli(['check', name])));
  expect(results.map(({ status }) => status)).toEqual([0, 0, 0]);
  const hashes = results.map(({ stdout }) => /policy phoenix \(([0-9a-f]{12})\)/.exec(stdout)?.[1]);
  expect(results[0]?.stdout).toBe(
    `${files[0]}: valid. 1 listener, 2 servers, policy phoenix (${hashes[0]})\n`,
  );
  expect(hashes[1]).toBe(hashes[0]);
  expect(hashes[2]).not.toBe(hashes[0]);
});

test('check names file, line and field of what is wrong; status 2', async () => {
  const file = path.join(tempFolder(), 'gate.yaml');
  writeFileSync(file, `listen: [{ tcp: 127.0.0.1:8700 }]\n${serversOf('tcp://127.0.0.1:1')}\npolisy: {}\n`);
  const [wrong, missing] = await Promise.all([runCli(['check', file]), runCli(['check', `${file}.not`])]);
  expect(wrong).toEqual({
    status: 2,
    stdout: '',
    stderr: `skewgate: ${file}:4: polisy: there is no such key (did you mean policy?)\n`,
  });
  expect(missing).toEqual({
    status: 2,
    stdout: '',
    stderr: `skewgate: ${file}.not: there is no such file\n`,
  });
});

test('what this machine lacks is said by check as by serve, with line and key; status 2', async () => {
  const folder = tempFolder();
  const file = path.join(folder, 'gate.yaml');
  const config = [
    'listen: [{ tcp: 127.0.0.1:0 }]',
    serversOf('tcp://127.0.0.1:1'),
    'log: { file: nowhere/decisions.ndjson }',
    'migration: { hook: { command: [no-such-program] } }',
  ];
  writeFileSync(file, config.join('\n'));
  const results = await Promise.all([runCli(['check', file]), runCli(['serve', file])]);
  for (const result of results)
    expect(result).toEqual({
      status: 2,
      stdout: '',
      stderr: [
        `skewgate: ${file}:4: log.file: the folder ${folder}/nowhere does not exist`,
        `${file}:5: migration.hook.command[0]: the program no-such-program was not found in PATH`,
        '',
      ].join('\n'),
    });
});

test('check --schema prints the JSON Schema', async () => {
  const { status, stdout } = await runCli(['check', '--schema']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    type: 'object',
    required: ['listen', 'servers'],
    additionalProperties: false,
  });
});

test('on a Node that is too old the published command says so in one line, with status 2', () => {
  const major = engines.node.match(/\d+/)[0];
  const script = `Object.defineProperty(process.versions, 'node', { value: '20.19.5' }); process.argv[1] = ${JSON.stringify(BINARY)}; require(${JSON.stringify(BINARY)});`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toBe(`skewgate needs Node.js ${major} or later; this is 20.19.5.\n`);
});

const old = findOldNode();
if (old === null)
  console.log('skipped: no Node.js older than 24 is installed here, so none can be tried for real');

test.skipIf(old === null)('an old Node that is installed here, tried for real', () => {
  const { status, stderr } = spawnSync(old?.path as string, [BINARY, 'serve'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toBe(`skewgate needs Node.js 24 or later; this is ${old?.version}.\n`);
});

function findOldNode(): { path: string; version: string } | null {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/bin', '/usr/local/bin'];
  for (const folder of folders)
    try {
      const found = path.join(folder, 'node');
      const printed = execFileSync(found, ['--version'], { encoding: 'utf8' }).trim().slice(1);
      if (Number(printed.split('.')[0]) < 24) return { path: found, version: printed };
    } catch {
      // No node in this folder.
    }
  return null;
}

test.skipIf(!existsSync('/proc/self/cmdline'))(
  'a list of processes shows the command as it was typed',
  async () => {
    const server = startCli(['server', '--version', '4.14.0', '--listen', '127.0.0.1:0']);
    await server.waitFor(/on tcp:/);
    const shown = readFileSync(`/proc/${server.child.pid}/cmdline`, 'utf8').replace(/\0+$/, '');
    expect(shown).toBe('skewgate server --version 4.14.0 --listen 127.0.0.1:0');
  },
);
