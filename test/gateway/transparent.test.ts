/** A WebSocket `assume` port before a WebSocket server: unmodified clients and servers notice no gate between them. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import { realEnvironment } from '../support/environment.ts';
import { type Fleet, startFleet } from '../support/gate.ts';

/** Connections that a client of the gate brought about: those that ask for a path of its own. */
interface Served {
  readonly address: string;
  readonly requests: IncomingMessage[];
  readonly sockets: WebSocket[];
}

async function serve(act: (socket: WebSocket) => void, options: ServerOptions = {}): Promise<Served> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  const served = { requests: [] as IncomingMessage[], sockets: [] as WebSocket[] };
  server.on('connection', (socket, request) => {
    served.requests.push(request);
    served.sockets.push(socket);
    socket.on('error', () => {});
    act(socket);
  });
  await once(server, 'listening');
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return { ...served, address: `ws://127.0.0.1:${(server.address() as net.AddressInfo).port}` };
}

const echo = (socket: WebSocket) =>
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));

function startGate(address: string): Promise<Fleet> {
  return startFleet(realEnvironment, {
    listen: [{ ws: '127.0.0.1:0', assume: '4.14.0' }],
    others: [{ id: 'app', address, version: '4.14.0' }],
    timeouts: { probe: '1h', fresh: '1h' },
  });
}

function dial(url: string, ...more: [protocols?: string[], options?: object]): WebSocket {
  const client = new WebSocket(url, ...more);
  onTestFinished(() => client.terminate());
  return client;
}

async function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return { code, reason: reason.toString() };
}

describe('a WebSocket session through an `assume` port', () => {
  test('text stays text, binary stays binary, and messages keep their borders, empty ones too', async () => {
    const { address } = await serve(echo);
    await using fleet = await startGate(address);
    const client = dial(fleet.address());
    const heard: [string, boolean][] = [];
    const done = new Promise<void>((resolve) => {
      client.on('message', (data: Buffer, isBinary) => {
        heard.push([data.toString(), isBinary]);
        if (data.toString() === 'last') resolve();
      });
    });
    await once(client, 'open');
    client.send('grüße');
    client.send(Buffer.from('bytes'));
    client.send('');
    client.send(Buffer.alloc(0));
    client.send('one ', { fin: false });
    client.send('message', { fin: true });
    client.send('last');
    await done;
    expect(heard).toEqual([
      ['grüße', false],
      ['bytes', true],
      ['', false],
      ['', true],
      ['one message', false],
      ['last', false],
    ]);
  });

  test('path, query, subprotocols and headers reach the server', async () => {
    const { address, requests } = await serve(echo);
    await using fleet = await startGate(address);
    const headers = { cookie: 'a=b', authorization: 'Basic eDp5' };
    const client = dial(`${fleet.address()}/chat/../%7Eroom?user=x&y`, ['v2.chat', 'v1.chat'], { headers });
    await once(client, 'open');
    const asked = requests.at(-1);
    expect(asked?.url).toBe(new URL(client.url).pathname + new URL(client.url).search);
    expect(asked?.headers).toMatchObject({ ...headers, 'sec-websocket-protocol': 'v2.chat,v1.chat' });
    expect(asked?.headers['sec-websocket-extensions']).toBeUndefined();
  });

  test('the subprotocol that the server selects is the one that the client gets', async () => {
    const { address } = await serve(echo, { handleProtocols: () => 'v1.chat' });
    await using fleet = await startGate(address);
    const client = dial(fleet.address(), ['v2.chat', 'v1.chat']);
    await once(client, 'open');
    expect(client.protocol).toBe('v1.chat');
  });

  test('where the server selects none, the client is told none', async () => {
    const { address } = await serve(echo, { handleProtocols: () => false });
    await using fleet = await startGate(address);
    const client = dial(fleet.address(), ['v2.chat']);
    const [error] = (await once(client, 'error')) as [Error];
    expect(error.message).toBe('Server sent no subprotocol');
  });

  test("the server's close code and reason reach the client, after all that it sent", async () => {
    const { address } = await serve((socket) => {
      socket.send('so long');
      socket.close(4321, 'and thanks');
    });
    await using fleet = await startGate(address);
    const client = dial(fleet.address());
    const heard: string[] = [];
    client.on('message', (data) => heard.push(String(data)));
    expect(await closeOf(client)).toEqual({ code: 4321, reason: 'and thanks' });
    expect(heard).toEqual(['so long']);
    expect(await fleet.log.until('session-end')).toMatchObject({ reason: 'server-gone', error: null });
  });

  test.each([
    [3999, 'enough'],
    [1005, ''],
  ])("the client's close with %i reaches the server", async (code, reason) => {
    const { address, sockets } = await serve(echo);
    await using fleet = await startGate(address);
    const client = dial(fleet.address());
    await once(client, 'open');
    const closed = closeOf(sockets.at(-1) as WebSocket);
    if (code === 1005) client.close();
    else client.close(code, reason);
    expect(await closed).toEqual({ code, reason });
    expect(await fleet.log.until('session-end')).toMatchObject({ reason: 'client-gone', error: null });
  });

  test('a client that is cut is cut for the server, too', async () => {
    const { address, sockets } = await serve(echo);
    await using fleet = await startGate(address);
    const client = dial(fleet.address());
    await once(client, 'open');
    const closed = closeOf(sockets.at(-1) as WebSocket);
    client.terminate();
    expect((await closed).code).toBe(1006);
  });

  test('a refusal by the server is what the client gets, and does not count as a server that is down', async () => {
    const { address, requests } = await serve(echo, {
      verifyClient: ({ req }, answer) =>
        req.url === '/' ? answer(true) : answer(false, 401, 'who are you', { 'www-authenticate': 'Basic' }),
    });
    await using fleet = await startGate(address);
    const probes = requests.length;
    const client = dial(`${fleet.address()}/private`);
    const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Basic');
    client.on('error', () => {});
    expect(requests).toHaveLength(probes);
    expect(fleet.cluster.servers[0]?.state).toBe('up');
    await once(dial(fleet.address()), 'open');
  });

  test('a server that hangs up on a request is not down for it', async () => {
    const { address } = await serve(echo, {
      verifyClient: ({ req }, answer) => (req.url === '/' ? answer(true) : req.socket.destroy()),
    });
    await using fleet = await startGate(address);
    const client = dial(`${fleet.address()}/private`);
    const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(502);
    client.on('error', () => {});
    expect(fleet.cluster.servers[0]?.state).toBe('up');
    await once(dial(fleet.address()), 'open');
  });

  test('a client refused by policy sees the code as the reason of a close', async () => {
    const { address, requests } = await serve(echo);
    await using fleet = await startFleet(realEnvironment, {
      listen: [{ ws: '127.0.0.1:0', assume: '4.15.0' }],
      others: [{ id: 'app', address, version: '4.14.0' }],
      timeouts: { probe: '1h', fresh: '1h' },
    });
    const probes = requests.length;
    const { code, reason } = await closeOf(dial(fleet.address(), ['chat']));
    expect(code).toBe(4002);
    expect(reason).toMatch(/^SERVER_OUTDATED: Client 4\.15\.0 is newer/);
    expect(requests).toHaveLength(probes);
  });

  test('before a TCP server the messages are its bytes, and a text message is refused', async () => {
    const tcp = net.createServer((socket) => socket.on('error', () => {}).pipe(socket));
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    onTestFinished(() => void tcp.close());
    await using fleet = await startGate(`tcp://127.0.0.1:${(tcp.address() as net.AddressInfo).port}`);
    const client = dial(fleet.address(), ['binary']);
    await once(client, 'open');
    expect(client.protocol).toBe('binary');
    client.send(Buffer.from('bytes'));
    const [data] = (await once(client, 'message')) as [Buffer];
    expect(data.toString()).toBe('bytes');
    client.send('text');
    expect(await closeOf(client)).toEqual({ code: 1003, reason: 'binary messages only' });
  });
});
