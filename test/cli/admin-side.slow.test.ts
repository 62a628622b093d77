/** The admin side of a gate that the real command runs: where it is, its token, and what it says at the end. */
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { connectTo } from '../../src/client/connect.ts';
import { parseUrl } from '../../src/client/url.ts';
import { realRuntime } from '../../src/runtime/real.ts';
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

test.each(['tcp', 'unix'])(
  'the next gate on the same ports has the same admin side, over %s, while the one before ends',
  async (kind) => {
    const server = await echoServer('4.14.0');
    const folder = tempFolder();
    const listen = kind === 'unix' ? 'unix:gate.sock' : `127.0.0.1:${await freePort()}`;
    const times = 'timeouts: { probe: 100ms, drain: 10m }';
    const lines = [serversOf(server.address), `admin: { listen: '${listen}' }`, 'reusePort: true', times];
    const first = await serveGate(['id: one', ...lines].join('\n'), { folder });
    const client = await connectTo(parseUrl(first.url('4.14.0')), realRuntime);
    const second = await serveGate(['id: two', ...lines].join('\n'), { folder });
    first.program.child.kill('SIGTERM');
    await first.program.waitFor(/waiting up to 600 s for 1 client to leave/, 'stderr');
    for (let times = 0; times < 3; times++) {
      const { stdout } = await runCli(['status', '--config', path.join(folder, 'gate.yaml'), '--json']);
      expect(JSON.parse(stdout).cluster.gate).toBe('two');
    }
    client.destroy();
    expect(await first.program.exited).toBe(0);
    expect((await runCli(['sessions', '--config', path.join(folder, 'gate.yaml')])).status).toBe(0);
    await second.program.stop();
    expect(existsSync(path.join(folder, 'gate.sock'))).toBe(false);
  },
);

/** One that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
