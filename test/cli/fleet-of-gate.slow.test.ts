/** `next`, `what-if` and `clients` of a gate that runs, found by its config or by its address. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectTo } from '../../src/client/connect.ts';
import { parseUrl } from '../../src/client/url.ts';
import { realRuntime } from '../../src/runtime/real.ts';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { echoServer, FAST, type ServedGate, serveGate, serversOf } from './support.ts';

async function gateWith(listen: string): Promise<ServedGate> {
  const servers = [await echoServer('4.15.0'), await echoServer('4.14.1')];
  return serveGate(
    [
      serversOf(...servers.map(({ address }) => address)),
      FAST,
      'migration: { baseline: 4.14.0 }',
      `admin: { listen: '${listen}' }`,
    ].join('\n'),
  );
}

async function admit(gate: ServedGate, version: string, name: string): Promise<void> {
  const session = await connectTo(parseUrl(`${gate.url(version)}&name=${name}`), realRuntime);
  session.on('error', () => {});
  onTestFinished(() => void session.destroy());
}

describe('a gate that runs', () => {
  test('is found by its config, over a Unix socket: API and command say the same', async () => {
    const gate = await gateWith('unix:admin.sock');
    await admit(gate, '4.13.0', 'batch');
    const config = ['--config', path.join(gate.folder, 'gate.yaml')];

    const next = await runCli(['next', ...config]);
    expect(next).toMatchObject({ status: 1, stderr: '' });
    expect(next.stdout).toMatch(
      /^4\.15 is next\. s2 is still on 4\.14\.1\. Then: one upgrade will run, level 28 to 29, brought by the first 4\.15 client;/,
    );
    const way = JSON.parse((await runCli(['next', ...config, '--to', '4.16', '--json'])).stdout);
    expect(way).toMatchObject({ to: '4.16', ready: false, path: [{ to: '4.15' }, { to: '4.16' }] });
    expect(way.refuses).toMatchObject([{ line: '4.13', sessions: 1, clients: [{ name: 'batch' }] }]);

    const all = await runCli(['what-if', ...config, '--servers', '4.16.0']);
    expect(all.stdout).toContain('1 session of 4.13 falls out of the window (client batch from 127.0.0.1)');
    expect(all.status).toBe(1);
    const one = await runCli(['what-if', ...config, '--server', 's2=4.15.0', '--json']);
    expect(JSON.parse(one.stdout)).toMatchObject({ refused: [], permitted: { sessions: 1, seen: 0 } });
    const policy = path.join(gate.folder, 'new.yaml');
    writeFileSync(policy, 'policy: { preset: phoenix, window: 0 }\n');
    const strict = await runCli(['what-if', ...config, '--policy', policy, '--json']);
    expect(JSON.parse(strict.stdout).refused).toMatchObject([{ line: '4.13', sessions: 1, rule: 'M2' }]);

    const clients = await runCli(['clients', ...config]);
    expect(clients.stdout).toMatch(/4\.13 +current +1 .* permit +permit +127\.0\.0\.1 +\S+ +batch/);
  }, 60_000);

  test('is found by its address', async () => {
    const gate = await gateWith('127.0.0.1:0');
    const [, link] = await gate.program.waitFor(/admin on (\S+)\n/, 'stderr');
    const next = await runCli(['next', '--admin', link as string]);
    expect(next.stdout).toMatch(/^4\.15 is next\. s2 is still on 4\.14\.1\./);
    const strange = await runCli(['what-if', '--admin', link as string, '--server', 'rs9=4.16.0']);
    expect(strange).toMatchObject({ status: 2, stdout: '' });
    expect(strange.stderr).toContain('rs9 is none of the servers: s1 and s2');
    const open = await runCli(['next', '--config', path.join(gate.folder, 'gate.yaml')]);
    expect(open.status).toBe(2);
    expect(open.stderr).toContain('leaves the port of `admin` open: say --admin');
  }, 60_000);
});

test('gates of one cluster: sessions of the other one are counted, and that it decides otherwise is in the way', async () => {
  const ledger = path.join(tempFolder(), 'ledger.db');
  const servers = [await echoServer('4.15.0'), await echoServer('4.15.1')];
  const gateOf = (id: string, window: number) =>
    serveGate(
      [
        serversOf(...servers.map(({ address }) => address)),
        FAST,
        `id: ${id}`,
        `policy: { window: ${window} }`,
        `migration: { ledger: 'sqlite:${ledger}', baseline: 4.14.0 }`,
        "admin: { listen: 'unix:admin.sock' }",
      ].join('\n'),
    );
  const [one, two] = [await gateOf('g1', 2), await gateOf('g2', 3)];
  await admit(two, '4.12.0', 'batch');
  const asked = ['next', '--json', '--config', path.join(one.folder, 'gate.yaml')];
  // The other gate tells of its sessions within a few seconds.
  const limit = Date.now() + 30_000;
  let next = JSON.parse((await runCli(asked)).stdout);
  while (next.refuses.length === 0 && Date.now() < limit) next = JSON.parse((await runCli(asked)).stdout);
  expect(next).toMatchObject({
    to: '4.15',
    ready: false,
    blockers: [
      { kind: 'gates-policy', who: ['g2'] },
      { kind: 'sessions-outside', who: ['4.12'] },
    ],
    refuses: [{ line: '4.12', sessions: 1, clients: [{ gate: 'g2', sessions: 1 }] }],
  });
}, 90_000);

test.each([
  ['no gate is named', [], 2, 'say which gate: --config gate.yaml, or --admin http://HOST:PORT'],
  ['an address that is none', ['--admin', 'gate:8790'], 2, '--admin gate:8790: not http://HOST:PORT'],
  [
    'a gate that does not answer',
    ['--admin', 'http://127.0.0.1:1'],
    1,
    'no gate answers at http://127.0.0.1:1: ',
  ],
  ['a socket that is not there', ['--admin', 'unix:gone.sock'], 1, 'no gate answers at unix:gone.sock: '],
])('%s: the command says so', async (_, words, status, message) => {
  const answer = await runCli(['next', ...words]);
  expect(answer.stderr).toContain(`skewgate: ${message}`);
  expect(answer).toMatchObject({ status, stdout: '' });
});

test('a config without an admin side is told what it lacks', async () => {
  const gate = await serveGate([serversOf((await echoServer('4.14.0')).address), FAST].join('\n'));
  const answer = await runCli(['next', '--config', path.join(gate.folder, 'gate.yaml')]);
  expect(answer.status).toBe(2);
  expect(answer.stderr).toContain('has no `admin`, by which a gate is asked while it runs');
});
