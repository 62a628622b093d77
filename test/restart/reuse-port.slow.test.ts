/** A gate is replaced by another one on the same ports. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { Connection, Transport } from '../../src/ports/transport.ts';
import { createTcpTransport } from '../../src/transport/tcp.ts';
import { createWsTransport } from '../../src/transport/ws.ts';
import { echoServer, FAST, outcomeOf, serveGate, serversOf } from '../cli/support.ts';
import { tempFolder } from '../support/folder.ts';
import { startProgram } from '../support/program.ts';

const REPLACE = fileURLToPath(new URL('./replace.ts', import.meta.url));
/** A network of its own, in which the kernel hands on whom a socket that is closed has not accepted. */
const IN_OWN_NETWORK = 'ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req && exec "$@"';
const inOwnNetwork = (...command: string[]) => ['-rn', 'sh', '-c', IN_OWN_NETWORK, 'sh', ...command];

/** Linux' setting; empty on a system that has none. */
const migrates = spawnSync('cat', ['/proc/sys/net/ipv4/tcp_migrate_req'], { encoding: 'utf8' }).stdout.trim();
const hasNetworks = spawnSync('unshare', inOwnNetwork('true')).status === 0;

test.skipIf(!hasNetworks)(
  'ten gates one after the other under load, where the kernel hands on: nobody is refused or reset',
  async () => {
    const run = startProgram('unshare', inOwnNetwork(process.execPath, REPLACE, '10'), { cwd: tempFolder() });
    expect(await run.exited).toBe(0);
    const { admitted, failures } = JSON.parse(run.stdout);
    expect(failures).toEqual([]);
    expect(admitted).toBeGreaterThan(100);
  },
  120_000,
);

test('without reusePort a second gate on the same port does not start, so that none takes clients by mistake', async () => {
  const server = await echoServer('4.14.0');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}`, { listen: '[{ tcp: 127.0.0.1:0 }]' });
  const [address] = gate.addresses as [string];
  const listen = `[{ tcp: '${address.replace('tcp://', '')}' }]`;
  await expect(
    serveGate(`${serversOf(server.address)}\n${FAST}\nreusePort: true`, { listen }),
  ).rejects.toThrow(/EADDRINUSE/);
  expect(await outcomeOf(gate.url('4.13.2'))).toBe('admitted by 4.14.0');
});

/** Clients that connect while this process does nothing, so that the kernel holds them. */
function connectMeanwhile(address: string, count: number): void {
  const [host, port] = address.split(':');
  const script = `
    const net = require('node:net');
    let open = 0;
    for (let at = 0; at < ${count}; at++)
      net.connect(${port}, '${host}', () => ++open === ${count} && process.exit()).on('error', () => process.exit(1));
  `;
  execFileSync(process.execPath, ['-e', script]);
}

test.each([
  ['TCP', createTcpTransport()],
  ['WebSocket', createWsTransport()],
] as [string, Transport][])(
  'a %s listener that is to be closed takes those first who wait in the kernel',
  async (_name, transport) => {
    const accepted: Connection[] = [];
    let tracked = 0;
    const listener = await transport.listen('127.0.0.1:0', {
      accept: (connection) => accepted.push(connection),
      track: () => {
        tracked++;
        return { admitted: true, end() {} };
      },
    });
    onTestFinished(() => listener.close());
    connectMeanwhile(listener.address, 50);
    expect(accepted.length + tracked).toBe(0);
    await listener.stopListening();
    expect(accepted.length + tracked).toBe(50);
    for (const connection of accepted) connection.destroy();
  },
);

test.skipIf(migrates !== '0')(
  'a gate says at its start that the kernel of this machine does not hand on, and how that is changed',
  async () => {
    const server = await echoServer('4.14.0');
    const gate = await serveGate(`${serversOf(server.address)}\n${FAST}\nreusePort: true`);
    await gate.program.waitFor(/reusePort: .*sysctl -w net\.ipv4\.tcp_migrate_req=1/);
    gate.program.signal('SIGTERM');
    expect(await gate.program.exited).toBe(0);
  },
);
