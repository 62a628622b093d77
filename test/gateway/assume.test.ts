/** Any TCP program on an `assume` listener: it knows nothing of the handshake, and gets its server or a closed port. */
import { once } from 'node:events';
import net from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createMemoryTables } from '../../src/server/tables.ts';
import { realEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import { randomBytes } from '../support/random.ts';

async function program(address: string): Promise<net.Socket> {
  const { hostname, port } = new URL(address.replace('tcp:', 'http:'));
  const socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** A server that knows nothing of the handshake either. */
async function plainServer(serve: (socket: net.Socket) => void) {
  const seen = { connections: 0, bytes: 0 };
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    seen.connections++;
    socket.on('error', () => {});
    socket.on('data', ({ length }) => {
      seen.bytes += length;
    });
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as net.AddressInfo;
  return { seen, address: `tcp://127.0.0.1:${port}` };
}

const assume = (version: string) => [{ tcp: '127.0.0.1:0', assume: version }];

describe('assume', () => {
  test('a plain program talks to a plain server; what it sends at once arrives', async () => {
    const { address } = await plainServer((socket) => socket.pipe(socket));
    await using fleet = await startFleet(realEnvironment, {
      listen: assume('4.13.1'),
      others: [{ id: 'pg', address, version: '4.14.0' }],
    });
    const socket = await program(fleet.address());
    const bytes = randomBytes(3_000_000);
    socket.end(bytes);
    expect((await buffer(socket)).equals(bytes)).toBe(true);
    expect(fleet.log.handshakes[0]).toMatchObject({
      code: 'PERMITTED',
      client: '4.13.1',
      driver: 'assumed',
      server: 'pg',
      serverVersion: '4.14.0',
    });
    expect(await fleet.log.until('session-end')).toMatchObject({
      bytesFromClient: bytes.length,
      bytesFromServer: bytes.length,
    });
  });

  test('a server that speaks first is heard, with no byte of the gate before', async () => {
    const { address } = await plainServer((socket) => socket.write('220 hello\r\n'));
    await using fleet = await startFleet(realEnvironment, {
      listen: assume('4.14.0'),
      others: [{ id: 'smtp', address, version: '4.14.0' }],
    });
    const socket = await program(fleet.address());
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toBe('220 hello\r\n');
  });

  test('a program can also be put before a server that speaks the handshake', async () => {
    await using fleet = await startFleet(realEnvironment, {
      listen: assume('4.14.0'),
      servers: [{ version: '4.14.1', scheme: 'ws' }],
    });
    const socket = await program(fleet.address());
    socket.end('over two transports');
    expect((await buffer(socket)).toString()).toBe('over two transports');
    expect(fleet.server(0).opened[0]?.client).toEqual({
      version: '4.14.0',
      driver: 'assumed',
      properties: {},
    });
  });

  test('half-close: the question ends, the answer comes', async () => {
    const { address } = await plainServer((socket) => {
      socket.resume();
      socket.on('end', () => socket.end(randomBytes(1_000_000)));
    });
    await using fleet = await startFleet(realEnvironment, {
      listen: assume('4.14.0'),
      others: [{ id: 'db', address, version: '4.14.0' }],
    });
    const socket = await program(fleet.address());
    socket.end('select *');
    expect((await buffer(socket)).equals(randomBytes(1_000_000))).toBe(true);
  });

  test('refused, it is closed without a byte, and its server was not dialled for it', async () => {
    const { address, seen } = await plainServer((socket) => socket.write('welcome'));
    await using fleet = await startFleet(realEnvironment, {
      listen: assume('4.15.0'),
      others: [{ id: 'pg', address, version: '4.14.0' }],
      timeouts: { probe: '1h', fresh: '1h' },
    });
    const probes = seen.connections;
    const socket = await program(fleet.address());
    socket.write('let me in');
    expect((await buffer(socket)).length).toBe(0);
    expect(fleet.log.handshakes).toHaveLength(1);
    expect(fleet.log.handshakes[0]).toMatchObject({ code: 'SERVER_OUTDATED', client: '4.15.0' });
    expect(seen).toEqual({ connections: probes, bytes: 0 });
  });

  test.each([
    ['must-not', 27, 'UPGRADE_REQUIRED'],
    ['may', 28, 'PERMITTED'],
    [undefined, 28, 'PERMITTED'],
  ] as const)('`upgrade: %s`: such a client leaves the tables at level %s', async (upgrade, level, code) => {
    const tables = createMemoryTables(27);
    await using fleet = await startFleet(realEnvironment, {
      listen: [{ tcp: '127.0.0.1:0', assume: '4.14.0', ...(upgrade && { upgrade }) }],
      servers: [{ version: '4.14.0', tables, upgradeMs: 10 }],
    });
    const socket = await program(fleet.address());
    socket.on('error', () => {}).resume();
    await fleet.log.until('handshake');
    expect(fleet.log.codes).toEqual([code]);
    expect(tables.level).toBe(level);
    socket.destroy();
  });

  test('what a server sent before an orderly end arrives, also if the server then resets', async () => {
    const bytes = randomBytes(300_000);
    const { address } = await plainServer((socket) => {
      socket.on('data', () => socket.resetAndDestroy());
      socket.end(bytes);
    });
    await using fleet = await startFleet(realEnvironment, {
      listen: assume('4.14.0'),
      others: [{ id: 'http', address, version: '4.14.0' }],
    });
    const socket = await program(fleet.address());
    const chunks: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (chunk) => chunks.push(chunk));
    await once(socket, 'end');
    const uploading = setInterval(() => socket.write('more of the upload'), 1);
    onTestFinished(() => clearInterval(uploading));
    expect(await fleet.log.until('session-end')).toMatchObject({
      reason: 'server-gone',
      bytesFromServer: bytes.length,
    });
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });
});
