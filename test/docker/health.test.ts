import { spawn } from 'node:child_process';
import net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createTcpTransport } from '../../src/transport/tcp.ts';
import { realEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import { ROOT } from './files.ts';

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

test.each(['tcp', 'ws'] as const)(
  'healthy: a gate on %s answers, and nothing of it is recorded',
  async (scheme) => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }],
      listen: [{ [scheme]: '127.0.0.1:0' }],
    });
    expect(await health(scheme === 'tcp' ? fleet.address() : fleet.address().replace('ws:', 'http:'))).toBe(
      0,
    );
    await fleet.idle();
    expect(fleet.log.handshakes).toEqual([]);
  },
);

test('not healthy: nothing listens', async () => {
  const listener = await tcp.listen('127.0.0.1:0', { accept() {} });
  await listener.close();
  expect(await health(`tcp://${listener.address}`)).toBe(1);
});

test('not healthy: the port accepts and never answers', async () => {
  const listener = await tcp.listen('127.0.0.1:0', {
    accept: (connection) => closing.push(() => connection.destroy()),
  });
  closing.push(() => listener.close());
  expect(await health(`tcp://${listener.address}`)).toBe(1);
});

test('not healthy: another program speaks', async () => {
  const server = net.createServer((socket) => socket.on('error', () => {}).end('220 mail\r\n'));
  server.listen(0, '127.0.0.1');
  closing.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  expect(await health(`tcp://127.0.0.1:${(server.address() as net.AddressInfo).port}`)).toBe(1);
});
