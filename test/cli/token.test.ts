/** `skewgate token`, and that no list of processes shows what `connect` was given. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { hashOfToken } from '../../src/config/clients.ts';
import { requireToken } from '../../src/wire/token.ts';
import { MAIN, runCli } from '../support/cli.ts';
import { realEnvironment } from '../support/environment.ts';
import { tempFolder } from '../support/folder.ts';
import { startFleet } from '../support/gate.ts';

test('a token is printed with the hash that a config takes, or goes to a file that only its owner may read', async () => {
  const cwd = tempFolder();
  const [printed, kept] = await Promise.all([
    runCli(['token', '--json']),
    runCli(['token', '--out', 'shop.token'], { cwd }),
  ]);
  const { token, hash } = JSON.parse(printed.stdout);
  requireToken(token);
  expect(hash).toBe(hashOfToken(token));
  const file = path.join(cwd, 'shop.token');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(kept.stdout).toBe(`hash: ${hashOfToken(readFileSync(file, 'utf8').trim())}\n`);
  const [again, of] = await Promise.all([
    runCli(['token', '--out', 'shop.token'], { cwd }),
    runCli(['token', '--of', 'shop.token'], { cwd }),
  ]);
  expect([again.status, of.stdout]).toEqual([2, kept.stdout]);
  writeFileSync(file, 'hunter2');
  const weak = await runCli(['token', '--of', 'shop.token'], { cwd });
  expect([weak.status, weak.stderr.includes('hunter2')]).toEqual([2, false]);
});

test('connect takes the token from a file or the environment, which counts less; what it prints never has it', async () => {
  const [shop, other] = ['sg_shop', 'sg_else'].map(
    (name) => `${name}_0123456789abcdefghijklmnopqrstuvwxyz`,
  ) as [string, string];
  const cwd = tempFolder();
  writeFileSync(path.join(cwd, 'shop.token'), shop, { mode: 0o600 });
  await using fleet = await startFleet(realEnvironment, {
    servers: [{ version: '4.14.0' }],
    clients: { tokens: [{ name: 'shop', hash: hashOfToken(shop) }] },
  });
  const connect = (env: string | undefined, ...args: string[]) =>
    runCli(['connect', fleet.url('4.14.0'), ...args], {
      cwd,
      env: { SKEWGATE_CLIENT_TOKEN: env, SKEWGATE_TOKEN: shop },
    });
  const results = await Promise.all([
    connect(undefined),
    connect(shop),
    connect(other, '--json'),
    connect(other, '--token-file', 'shop.token'),
  ]);
  expect(results.map(({ status }) => status)).toEqual([1, 0, 1, 0]);
  expect(results[0]?.stderr).toContain('NOT_AUTHENTICATED');
  expect(results[0]?.stderr).toContain('it presented no token');
  for (const { stdout, stderr } of results) expect(stdout + stderr).not.toMatch(/sg_/);
});

test.runIf(process.platform === 'linux')(
  'the token in a URL is not in what lists of processes show',
  async () => {
    const arrived = Promise.withResolvers<void>();
    const server = createServer((socket) =>
      socket.on('error', () => {}).once('data', () => arrived.resolve()),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const token = 'sg_0123456789abcdefghijklmnopqrstuvwxyz';
    const url = `skewgate://127.0.0.1:${port}/?version=4.14.0&token=${token}`;
    const client = spawn(process.execPath, [MAIN, 'connect', url], { stdio: 'ignore' });
    const over = once(client, 'close');
    try {
      await arrived.promise;
      const shown = readFileSync(`/proc/${client.pid}/cmdline`, 'utf8');
      expect(shown).toContain('token=***');
      expect(shown).not.toContain(token);
    } finally {
      client.kill('SIGKILL');
      await over;
      server.close();
    }
  },
);
