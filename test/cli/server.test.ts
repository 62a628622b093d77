/** `skewgate server`: the simulated server as a process. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { realEnvironment } from '../support/environment.ts';
import { tempFolder } from '../support/folder.ts';
import { startFleet } from '../support/gate.ts';
import { startServerCli } from './support.ts';

async function gateBefore(...addresses: string[]) {
  const fleet = await startFleet(realEnvironment, {
    others: addresses.map((address, at) => ({ id: `r${at + 1}`, address })),
    migration: { ledger: 'memory:' },
    timeouts: { probe: '50ms', hold: '5s' },
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return fleet;
}

test('it says its version and address, is admitted to by a gate, and echoes', async () => {
  const [tcp, ws] = await Promise.all([
    startServerCli('4.15.0', ['--id', 'east']),
    startServerCli('4.15.1', ['--listen', 'ws://127.0.0.1:0']),
  ]);
  expect(tcp.program.stdout).toBe(`server east 4.15.0 on ${tcp.address}\n`);
  expect(ws.address).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
  const fleet = await gateBefore(tcp.address, ws.address);
  for (const _ of [1, 2]) {
    const session = await fleet.admit('4.15.0');
    session.end('hello');
    expect((await session.toArray()).join('')).toBe('hello');
  }
  expect(fleet.log.handshakes.map((record) => record.serverVersion).sort()).toEqual(['4.15.0', '4.15.1']);
  // Without --tables it knows no level.
  expect(fleet.cluster.level).toBeNull();
});

test('[M3] --tables: two processes share the tables; the level is as --tables-release left it, then upgraded once', async () => {
  const tables = path.join(tempFolder(), 'tables.db');
  const options = ['--tables', tables, '--tables-release', '4.13.0', '--upgrade-time', '50ms'];
  const one = await startServerCli('4.15.0', options);
  const two = await startServerCli('4.15.0', options);
  expect([one, two].map(({ program }) => program.stdout)).toEqual([
    expect.stringContaining('system tables at level 27'),
    expect.stringContaining('system tables at level 27'),
  ]);
  const fleet = await gateBefore(one.address, two.address);
  expect(fleet.cluster.level).toBe(27);
  (await fleet.admit('4.15.0')).destroy();
  // A third process, whatever it was told, finds them as the other two have left them.
  const three = await startServerCli('4.15.0', options);
  expect(three.program.stdout).toContain('system tables at level 29');
  expect(fleet.log.handshakes.map(({ code }) => code)).toEqual(['PERMITTED']);
});

test('[N1] SIGTERM announces that it leaves: its session goes on, new ones go elsewhere, then it ends with status 0', async () => {
  const [one, two] = await Promise.all([startServerCli('4.14.0'), startServerCli('4.14.0')]);
  const fleet = await gateBefore(one.address);
  const session = await fleet.admit('4.14.0');
  one.program.signal('SIGTERM');
  expect(await fleet.log.until('server', { server: 'r1', state: 'draining' })).toMatchObject({
    version: '4.14.0',
  });
  const other = await gateBefore(one.address, two.address);
  for (const _ of [1, 2, 3]) {
    const elsewhere = await other.admit('4.14.0');
    expect(elsewhere.server.id).toBe('r2');
    elsewhere.destroy();
  }
  session.end('still here');
  expect((await session.toArray()).join('')).toBe('still here');
  expect(await one.program.exited).toBe(0);
});

test('a second Ctrl-C ends it at once, sessions or not', async () => {
  const server = await startServerCli('4.14.0');
  const fleet = await gateBefore(server.address);
  const session = await fleet.admit('4.14.0');
  session.on('error', () => {});
  server.program.signal('SIGINT');
  await fleet.log.until('server', { server: 'r1', state: 'draining' });
  server.program.signal('SIGINT');
  expect(await server.program.exited).toBe(0);
});

test('a port that is taken is said with the address, status 1', async () => {
  const { address } = await startServerCli('4.14.0');
  const { status, stderr } = await runCli(['server', '--version', '4.14.0', '--listen', address]);
  expect(status).toBe(1);
  expect(stderr).toContain(`${address.slice('tcp://'.length)}: another program listens there`);
});

const notTables = () => {
  const file = path.join(tempFolder(), 'tables.db');
  writeFileSync(file, 'this is not a SQLite file, by its first bytes');
  return file;
};

test.each<[string[], RegExp]>([
  [[], /--version/],
  [['--version', '4.14'], /"4\.14" is not a version/],
  [['--version', '4.14.0', '--listen', '9001'], /--listen 9001: HOST:PORT/],
  [
    ['--version', '4.14.0', '--listen', 'http://127.0.0.1:9001'],
    /HOST:PORT, tcp:\/\/HOST:PORT or ws:\/\/HOST:PORT/,
  ],
  [['--version', '4.14.0', '--upgrade-time', 'soon'], /a duration such as/],
  [['--version', '4.14.0', '--tables', 't.db', '--tables-release', 'x'], /"x" is not a version/],
  [['--version', '4.14.0', '--tables-release', '4.13.0'], /--tables-release .* needs --tables FILE/],
])('wrong usage %j: status 2', async (args, message) => {
  const { status, stderr, stdout } = await runCli(['server', ...args]);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('    at ');
});

test('a tables file that is something else is named, status 2', async () => {
  const file = notTables();
  const { status, stderr } = await runCli(['server', '--version', '4.14.0', '--tables', file]);
  expect(status).toBe(2);
  expect(stderr).toContain(`--tables ${file}: file is not a database`);
});
