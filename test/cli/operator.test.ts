/** `skewgate status`, `sessions`, `pause` and the other verbs, by the real command against a gate that runs. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { connectTo } from '../../src/client/connect.ts';
import { parseUrl } from '../../src/client/url.ts';
import { realRuntime } from '../../src/runtime/real.ts';
import { type CliResult, runCli } from '../support/cli.ts';
import { realEnvironment } from '../support/environment.ts';
import { type Program, startCli } from '../support/program.ts';
import { TestServer } from '../support/servers.ts';
import { serversOf } from './support.ts';

let folder: string;
let config: string;
let server: TestServer;
let gate: Program;
let url: (version: string) => string;
/** As the gate printed it. */
let link: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'skewgate-operator-'));
  config = path.join(folder, 'gate.yaml');
  server = await TestServer.start(realEnvironment, 'echo', { version: '4.14.0' });
  writeFileSync(
    config,
    [
      'id: g1',
      'listen: [{ tcp: 127.0.0.1:0 }]',
      serversOf(server.address),
      "admin: { listen: 'unix:gate.sock' }",
      'log: { file: decisions.ndjson }',
      'timeouts: { drain: 200ms, probe: 200ms }',
    ].join('\n'),
  );
  gate = startCli(['serve', config], { keep: true });
  const [, address] = await gate.waitFor(/listening on tcp:(\S+)\n/, 'stderr');
  [, link] = (await gate.waitFor(/admin on (\S+)\n/, 'stderr')) as unknown as [string, string];
  url = (version) => `skewgate:${address}/?version=${version}&name=batch`;
}, 40_000);
afterAll(async () => {
  await gate.stop();
  await server.stop();
  rmSync(folder, { recursive: true });
}, 20_000);

const session = async (version: string) => {
  const opened = await connectTo(parseUrl(url(version)), realRuntime);
  return opened.on('error', () => {});
};
const operate = (...words: string[]): Promise<CliResult> => runCli([...words, '--config', config]);
const records = () =>
  readFileSync(path.join(folder, 'decisions.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const listed = async () => JSON.parse((await operate('sessions', '--json')).stdout);

test('status shows the gate, its servers and the upgrade; sessions lists who is connected', async () => {
  const open = await session('4.13.2');
  const { status, stdout, stderr } = await operate('status');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^serving: gate g1 of cluster main, skewgate \S+, on tcp:\/\/127/);
  expect(stdout).toMatch(/^s1 +up +4\.14\.0 /m);
  expect(stdout).toMatch(/^Upgrade: /m);
  const sessions = await operate('sessions', '--client', '4.13');
  expect(sessions.stdout).toMatch(
    new RegExp(`^${open.id} +4\\.13\\.2 +s1 +127\\.0\\.0\\.1:\\d+ .* batch$`, 'm'),
  );
  expect(await listed()).toMatchObject({
    total: 1,
    next: null,
    sessions: [{ session: open.id, server: 's1' }],
  });
  const json = JSON.parse((await operate('status', '--json')).stdout);
  expect(Object.keys(json)).toEqual(['cluster', 'servers', 'upgrade', 'orders', 'gates', 'next']);
  expect((await operate('sessions', '--client', '4.12')).stdout).toBe('No session is open.\n');
  open.destroy();
}, 40_000);

test('pause holds new clients, status says who ordered it, resume lets them in, and all of it is on record', async () => {
  const preview = await operate('pause', '--for', '10m', '--reason', 'disk swap', '--dry-run');
  expect(preview.status).toBe(0);
  expect(preview.stdout).toContain('Nothing was done');
  expect(JSON.parse((await operate('status', '--json')).stdout).cluster.state).toBe('serving');
  const paused = await operate('pause', '--for', '10m', '--reason', 'disk swap', '--by', 'alice');
  expect([paused.status, paused.stdout.trim().split('\n').at(-1)]).toEqual([0, 'Done.']);
  expect((await operate('status')).stdout).toMatch(/^pause of the gate by alice \(disk swap\), until /m);
  const waiting = session('4.14.0');
  await operate('resume', '--by', 'alice');
  (await waiting).destroy();
  const acts = () => records().filter(({ event }) => event === 'operator');
  // Records reach the file a moment after what they tell of.
  await vi.waitFor(
    () =>
      expect(acts().map(({ what, by, reason }) => [what, by, reason])).toEqual([
        ['pause', 'alice', 'disk swap'],
        ['resume', 'alice', ''],
      ]),
    { timeout: 8_000 },
  );
}, 60_000);

test('drain ends the sessions of a range of releases and returns then; undrain and kick do as they say', async () => {
  const [old, young] = [await session('4.12.0'), await session('4.14.0')];
  const drained = await operate(
    'drain',
    '--clients',
    '<4.13',
    '--over',
    '100ms',
    '--reason',
    'end of life',
    '--json',
  );
  expect(drained.status).toBe(0);
  expect(JSON.parse(drained.stdout)).toMatchObject({ done: true, sessions: 1, details: { left: 0 } });
  await once(old.resume(), 'end');
  expect((await listed()).sessions).toMatchObject([{ session: young.id }]);
  await expect(session('4.12.0')).rejects.toThrow();
  expect((await operate('undrain', '--clients', '<4.13')).status).toBe(0);
  const waits = await operate('drain', '--server', 's1', '--over', 'never');
  expect(waits.status).toBe(1);
  expect(waits.stdout).toContain('it waits for 1 session to end');
  expect((await operate('undrain', '--server', 's1')).status).toBe(0);
  expect((await operate('kick', young.id, '--reason', 'stuck')).status).toBe(0);
  expect((await listed()).total).toBe(0);
  const again = await operate('kick', young.id);
  expect([again.status, again.stderr]).toEqual([1, expect.stringContaining(`no session "${young.id}"`)]);
}, 60_000);

test('reload says what changed', async () => {
  const before = readFileSync(config, 'utf8');
  writeFileSync(config, before.replace('drain: 200ms', 'drain: 300ms'));
  const { status, stdout } = await operate('reload', '--reason', 'longer');
  expect([status, stdout]).toEqual([0, expect.stringContaining('timeouts.drain')]);
  expect((await operate('reload')).status).toBe(0);
}, 40_000);

test('a command that reaches no gate, or may not, says why and what to do', async () => {
  expect(link).toBe(`unix:${path.join(folder, 'gate.sock')}`);
  const [nowhere, unset, without, wrong, read] = await Promise.all([
    runCli(['status', '--admin', 'unix:/nowhere.sock']),
    runCli(['status']),
    runCli(['pause', '--admin', link], { env: { SKEWGATE_TOKEN: undefined } }),
    runCli(['pause', '--admin', link], { env: { SKEWGATE_TOKEN: 'not-the-token-of-it' } }),
    runCli(['sessions', '--admin', link], { env: { SKEWGATE_TOKEN: undefined } }),
  ]);
  expect([nowhere.status, nowhere.stderr]).toEqual([
    1,
    expect.stringContaining('no gate answers at unix:/nowhere.sock'),
  ]);
  expect([unset.status, unset.stderr]).toEqual([2, expect.stringContaining('--config gate.yaml')]);
  expect([without.status, without.stderr]).toEqual([1, expect.stringContaining('Authorization: Bearer')]);
  expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('this is no token of this gate')]);
  expect(read.status).toBe(0);
  const silent = path.join(folder, 'silent.yaml');
  writeFileSync(silent, ['listen: [{ tcp: 127.0.0.1:0 }]', serversOf(server.address)].join('\n'));
  const { status, stderr } = await runCli(['drain', '--config', silent]);
  expect([status, stderr]).toEqual([2, expect.stringContaining('has no `admin`')]);
}, 60_000);
