import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createTcpTransport } from '../../src/transport/tcp.ts';
import { createWsTransport } from '../../src/transport/ws.ts';
import { ROOT } from './files.ts';

const ws = createWsTransport();
const tcp = createTcpTransport();

const closing: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function health(address: string): Promise<number | null> {
  const child = spawn(process.execPath, [new URL('docker/health.mjs', ROOT).pathname], {
    env: { ...process.env, SKEWGATE_HEALTH: address },
    stdio: 'ignore',
    timeout: 10_000,
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

test('healthy: a WebSocket listener answers, and no client is counted', async () => {
  let accepted = 0;
  const listener = await ws.listen('127.0.0.1:0', { accept: () => accepted++ });
  closing.push(() => listener.close());
  expect(await health(`http://${listener.address}/`)).toBe(0);
  expect(accepted).toBe(0);
});

test('not healthy: nothing listens', async () => {
  const listener = await tcp.listen('127.0.0.1:0', { accept() {} });
  await listener.close();
  expect(await health(`http://${listener.address}/`)).toBe(1);
});

test('not healthy: the port accepts and never answers', async () => {
  const listener = await tcp.listen('127.0.0.1:0', {
    accept: (connection) => closing.push(() => connection.destroy()),
  });
  closing.push(() => listener.close());
  expect(await health(`http://${listener.address}/`)).toBe(1);
});

test('not healthy: another program answers', async () => {
  const server = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  closing.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  expect(await health(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).toBe(1);
});
