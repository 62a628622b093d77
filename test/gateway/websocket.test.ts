/** A gate's WebSocket ports, used by plain WebSocket clients, and peers that break off. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { realEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import { helloBytes } from '../support/raw-client.ts';

function dial(url: string, options: ClientOptions = {}): WebSocket {
  const client = new WebSocket(url, options);
  onTestFinished(() => client.terminate());
  client.on('error', () => {});
  return client;
}

async function closeOf(client: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(client, 'close')) as [number, Buffer];
  return { code, reason: reason.toString() };
}

describe('a WebSocket port that speaks the handshake', () => {
  test('logs a text message as what it is', async () => {
    await using fleet = await startFleet(realEnvironment, {
      listen: [{ ws: '127.0.0.1:0' }],
      servers: [{ version: '4.14.0' }],
    });
    const client = dial(fleet.address());
    await once(client, 'open');
    client.send('hello');
    expect(await closeOf(client)).toEqual({ code: 1003, reason: 'binary messages only' });
    expect(await fleet.log.until('handshake')).toMatchObject({
      verdict: 'refuse',
      code: 'BAD_HANDSHAKE',
      message: 'A text message: this port takes binary messages.',
    });
    expect(fleet.log.handshakes).toHaveLength(1);
  });

  test('takes no longer message than a hello before it admits, and longer ones afterwards', async () => {
    await using fleet = await startFleet(realEnvironment, {
      listen: [{ ws: '127.0.0.1:0' }],
      servers: [{ version: '4.14.0' }],
    });
    const hostile = dial(fleet.address());
    await once(hostile, 'open');
    // All but the last bytes of a message that the port would take from an admitted client.
    for (let sent = 0; sent < 900_000; sent += 60_000) hostile.send(Buffer.alloc(60_000), { fin: false });
    expect((await closeOf(hostile)).code).toBe(1009);
    expect(await fleet.log.until('handshake')).toMatchObject({
      code: 'BAD_HANDSHAKE',
      message: 'A message of more than 65549 bytes.',
    });
    const client = dial(fleet.address());
    await once(client, 'open');
    client.send(helloBytes('4.14.0'));
    await once(client, 'message');
    let echoed = 0;
    const echo = new Promise<void>((resolve) => {
      client.on('message', (data: Buffer) => {
        echoed += data.length;
        if (echoed === 1_000_000) resolve();
      });
    });
    client.send(Buffer.alloc(1_000_000));
    await echo;
    expect(echoed).toBe(1_000_000);
  });
});

describe("a peer that breaks WebSocket's rules before its hello is closed with the code of the specification", () => {
  const raw = (client: WebSocket, ...bytes: number[]) =>
    (client as unknown as { readonly _socket: net.Socket })._socket.write(Uint8Array.from(bytes));
  test.each<[number, string, (client: WebSocket) => void]>([
    [1002, 'a reserved bit', (client) => raw(client, 0xc2, 0x80, 0, 0, 0, 0)],
    [1007, 'text that is not UTF-8', (client) => raw(client, 0x81, 0x81, 0, 0, 0, 0, 0xff)],
    [
      1008,
      'a message of more than 16,384 fragments',
      (client) => {
        for (let sent = 0; sent <= 16_384; sent++) client.send(Uint8Array.of(0x53), { fin: false });
      },
    ],
    [1009, 'a message longer than any hello', (client) => client.send(Buffer.alloc(65_550))],
  ])('%i: %s', async (expected, _, send) => {
    await using fleet = await startFleet(realEnvironment, {
      listen: [{ ws: '127.0.0.1:0' }],
      servers: [{ version: '4.14.0' }],
    });
    const client = dial(fleet.address());
    await once(client, 'open');
    send(client);
    expect((await closeOf(client)).code).toBe(expected);
    expect(await fleet.log.until('handshake')).toMatchObject({ verdict: 'refuse', code: 'BAD_HANDSHAKE' });
    const specification = readFileSync(new URL('../../proto/README.md', import.meta.url), 'utf8');
    expect(specification).toMatch(new RegExp(`^\\| ${expected} \\| the peer `, 'm'));
  });
});

test('a web page that the config does not name is refused by any WebSocket port, and logged', async () => {
  const page = 'https://app.example';
  await using fleet = await startFleet(realEnvironment, {
    listen: [
      { ws: '127.0.0.1:0' },
      { ws: '127.0.0.1:0', assume: '4.14.0' },
      { ws: '127.0.0.1:0', origins: [page, 'null'] },
    ],
    servers: [{ version: '4.14.0' }],
  });
  for (const at of [0, 1]) {
    const client = dial(fleet.address(at), { origin: page });
    const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(403);
  }
  expect(await fleet.log.until('handshake', {}, 2)).toMatchObject({
    verdict: 'refuse',
    code: 'BAD_HANDSHAKE',
    message: `A web page of the origin "${page}", which is not among the port's origins.`,
  });
  for (const origin of [page, 'null', undefined])
    await once(dial(fleet.address(2), origin === undefined ? {} : { origin }), 'open');
  const other = dial(fleet.address(2), { origin: `${page}.evil` });
  const [, response] = (await once(other, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(response.statusCode).toBe(403);
});

test('a WebSocket program on an `assume` port is told why its session ends when the gate stops', async () => {
  await using fleet = await startFleet(realEnvironment, {
    listen: [{ ws: '127.0.0.1:0', assume: '4.14.0' }],
    servers: [{ version: '4.14.0' }],
  });
  const client = dial(fleet.address());
  await once(client, 'open');
  await fleet.log.until('handshake', { code: 'PERMITTED' });
  const closed = closeOf(client);
  await fleet.gate.stop(0);
  expect(await closed).toEqual({ code: 1001, reason: 'the gate is shutting down' });
});

test('a client that breaks off while its server does not read ends the session, and the server is reset', async () => {
  let stalled = false;
  const accepted: net.Socket[] = [];
  const deaf = net.createServer({ pauseOnConnect: true }, (socket) => {
    accepted.push(socket.on('error', () => {}));
  });
  deaf.listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy();
    deaf.close();
  });
  const { port } = deaf.address() as net.AddressInfo;
  await using fleet = await startFleet(realEnvironment, {
    listen: [{ tcp: '127.0.0.1:0', assume: '4.14.0' }],
    others: [{ id: 'deaf', address: `tcp://127.0.0.1:${port}`, version: '4.14.0' }],
    timeouts: { probe: '1h' },
  });
  const client = net.connect(Number(fleet.address().split(':').at(-1)), '127.0.0.1');
  client.on('error', () => {});
  onTestFinished(() => void client.destroy());
  await fleet.log.until('handshake', { code: 'PERMITTED' });
  const chunk = Buffer.alloc(1_048_576);
  // More than the ways hold. A slow machine is taken for a gate that no longer reads, which changes nothing below.
  for (let sent = 0; sent < 64 && !stalled; sent++) {
    const taken = new Promise<boolean>((resolve) => client.write(chunk, () => resolve(true)));
    stalled = !(await Promise.race([taken, new Promise<boolean>((no) => setTimeout(no, 300, false))]));
  }
  expect(stalled).toBe(true);
  client.resetAndDestroy();
  expect(await fleet.log.until('session-end')).toMatchObject({ reason: 'client-gone', server: 'deaf' });
  const server = accepted.at(-1) as net.Socket;
  const hadError = new Promise((resolve) => server.once('close', resolve));
  server.resume();
  expect(await hadError).toBe(true);
});
