/** The link between a gate and a server: bytes and ends go through, until it is cut. */
import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { Link } from '../../../src/fleet/real/link.ts';
import { type HostPort, parseHostPort } from '../../../src/transport/address.ts';

/** Echoes in capitals; ends when its peer does. */
async function shouter(): Promise<HostPort> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => socket.write(String(bytes).toUpperCase()));
    socket.on('end', () => socket.end('!'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port };
}

async function open(target: HostPort | null): Promise<Link> {
  const link = await Link.open(target);
  onTestFinished(() => link.close());
  return link;
}

function dial({ address }: Link): net.Socket {
  const socket = net.connect({ ...parseHostPort(address), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  return socket;
}

const broken = async (socket: net.Socket) => (await once(socket, 'error'))[0].code;

test('passes bytes both ways, and the end of each side on its own', async () => {
  const socket = dial(await open(await shouter()));
  socket.write('hello');
  expect(String((await once(socket, 'data'))[0])).toBe('HELLO');
  socket.end();
  expect(await text(socket)).toBe('!');
});

test('one that leads nowhere resets whoever comes, until it leads somewhere', async () => {
  const link = await open(null);
  expect(await broken(dial(link))).toBe('ECONNRESET');
  link.pointTo(await shouter());
  const socket = dial(link);
  socket.end('hi');
  expect(await text(socket)).toBe('HI!');
});

test('a peer that is not there, or resets, is passed on as a reset', async () => {
  const server = net.createServer((socket) => socket.resetAndDestroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const link = await open({ host: '127.0.0.1', port });
  expect(await broken(dial(link))).toBe('ECONNRESET');
  await new Promise((resolve) => server.close(resolve));
  expect(await broken(dial(link))).toBe('ECONNRESET');
});

test('a cut resets what is open and what comes; once healed it serves again', async () => {
  const link = await open(await shouter());
  const before = dial(link);
  before.write('a');
  await once(before, 'data');
  link.cut();
  expect(await broken(before)).toBe('ECONNRESET');
  expect(await broken(dial(link))).toBe('ECONNRESET');
  link.heal();
  const after = dial(link);
  after.end('b');
  expect(await text(after)).toBe('B!');
});
