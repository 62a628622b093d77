/** The admin side of a gate that the real command runs: where it is, its token, and what it says at the end. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { echoServer, FAST, outcomeOf, serveGate, serversOf } from './support.ts';

// Each test waits for one or two processes to start.
vi.setConfig({ testTimeout: 40_000 });

const ADMIN = "admin: { listen: '127.0.0.1:0' }";

test('a gate prints the address of its admin side with the token that it keeps beside its config, the same at the next start', async () => {
  const server = await echoServer('4.14.0');
  const config = [serversOf(server.address), ADMIN, FAST].join('\n');
  const first = await serveGate(config);
  const [, address, token] = await first.program.waitFor(/admin on (http:\S+)\/#token=(\S+)\n/, 'stderr');
  const file = path.join(first.folder, 'admin.token');
  expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await (await fetch(`${address}/ready`)).json()).toMatchObject({ ready: true });
  await first.program.stop();
  await expect(fetch(`${address}/live`)).rejects.toThrow();
  const second = await serveGate(config, { folder: first.folder });
  await second.program.waitFor(new RegExp(`admin on http:\\S+/#token=${token}\n`), 'stderr');
});

test('a gate that is told to stop says for timeouts.lameDuck that it is not ready, takes clients meanwhile, and ends', async () => {
  const server = await echoServer('4.14.0');
  const lame = 'timeouts: { probe: 100ms, drain: 2s, hold: 500ms, lameDuck: 10m }';
  const gate = await serveGate([serversOf(server.address), ADMIN, lame].join('\n'));
  const [, address] = await gate.program.waitFor(/admin on (http:\S+)\/#/, 'stderr');
  gate.program.child.kill('SIGTERM');
  await gate.program.waitFor(/not ready any more: clients that come are still taken, for 600 s/, 'stderr');
  const ready = await fetch(`${address}/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ ready: false, reasons: ['the gate is about to stop'] });
  expect((await fetch(`${address}/live`)).status).toBe(200);
  expect(await outcomeOf(gate.url('4.14.0'))).toBe('admitted by 4.14.0');
  expect(gate.records().map(({ what }) => what)).not.toContain('draining');
  // A second signal cuts it short.
  gate.program.child.kill('SIGTERM');
  expect(await gate.program.exited).toBe(0);
});

test('a gate whose admin address is taken does not start, says so, and has made nothing', async () => {
  const server = await echoServer('4.14.0');
  const first = await serveGate([serversOf(server.address), ADMIN, FAST].join('\n'));
  const [, taken] = await first.program.waitFor(/admin on http:\/\/(\S+)\/#/, 'stderr');
  const folder = tempFolder();
  const file = path.join(folder, 'gate.yaml');
  writeFileSync(
    file,
    ['listen: [{ tcp: 127.0.0.1:0 }]', serversOf(server.address), `admin: { listen: '${taken}' }`].join('\n'),
  );
  const { status, stderr } = await runCli(['serve', file]);
  expect(status).toBe(1);
  expect(stderr).toContain('another program listens there');
});

test('several workers can have no admin side, and the config says what to do instead', async () => {
  const folder = tempFolder();
  const file = path.join(folder, 'gate.yaml');
  const lines = ['listen: [{ tcp: 127.0.0.1:1 }]', serversOf('tcp://127.0.0.1:2'), ADMIN, 'workers: 2'];
  writeFileSync(file, [...lines, "migration: { ledger: 'sqlite:ledger.db' }"].join('\n'));
  const { status, stderr } = await runCli(['check', file]);
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /:4: admin: it is of one process, and there are several workers: state `workers: 1`/,
  );
  expect(existsSync(path.join(folder, 'admin.token'))).toBe(false);
});
