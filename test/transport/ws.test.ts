import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Changes } from '../../src/ports/changes.ts';
import {
  type Connection,
  type HandshakeEnd,
  PeerFault,
  type UpgradeRequest,
} from '../../src/ports/transport.ts';
import { createWsTransport } from '../../src/transport/ws.ts';
import { MAX_MESSAGE } from '../../src/transport/ws-connection.ts';
import { FAIR_SHARE } from '../../src/transport/ws-inbox.ts';
import { randomBytes } from '../support/random.ts';
import { Recorder } from '../support/recorder.ts';
import { until } from '../support/until.ts';
import { describeTransport } from './contract.ts';
import { describeSockets } from './sockets.ts';

const ws = createWsTransport();

describeTransport('ws', () => ({ transport: ws, address: '127.0.0.1:0', bulk: 32 * 1_048_576 }));
describeSockets('ws', ws);

/** A client that knows nothing of this project, and our end of its connection. */
async function plainClient(): Promise<{ client: WebSocket; ours: Recorder; messages: Buffer[] }> {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await ws.listen('127.0.0.1:0', { accept: accepted.resolve });
  const client = new WebSocket(`ws://${listener.address}`);
  const messages: Buffer[] = [];
  client.on('message', (data) => messages.push(data as Buffer));
  await once(client, 'open');
  const ours = new Recorder(await accepted.promise);
  onTestFinished(async () => {
    client.terminate();
    await listener.close();
  });
  return { client, ours, messages };
}

/** A server that knows nothing of this project, its end of a connection, and ours. */
async function plainServer(
  request?: UpgradeRequest,
): Promise<{ server: WebSocket; ours: Recorder; messages: Buffer[] }> {
  const listener = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(listener, 'listening');
  const accepted = once(listener, 'connection');
  const { port } = listener.address() as net.AddressInfo;
  const ours = new Recorder(await ws.dial(`127.0.0.1:${port}`, { request }));
  const [server] = (await accepted) as [WebSocket];
  const messages: Buffer[] = [];
  server.on('message', (data) => messages.push(data as Buffer));
  onTestFinished(() => {
    server.terminate();
    listener.close();
  });
  return { server, ours, messages };
}

async function closeOf(client: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(client, 'close')) as [number, Buffer];
  return { code, reason: reason.toString() };
}

describe('ws, seen by a plain WebSocket peer', () => {
  test('a closeReason is its close code and reason, after all that was sent', async () => {
    const { client, ours, messages } = await plainClient();
    const bytes = randomBytes(300_000);
    ours.connection.send(bytes);
    ours.connection.close({ code: 4002, reason: 'SERVER_OUTDATED: rs1 is older' });
    expect(await closeOf(client)).toEqual({ code: 4002, reason: 'SERVER_OUTDATED: rs1 is older' });
    expect(Buffer.concat(messages).equals(bytes)).toBe(true);
    expect(await ours.untilClosed()).toBeNull();
  });

  test('a text message is refused with 1003 and not delivered', async () => {
    const { client, ours } = await plainClient();
    client.send('hello in words');
    client.send(Buffer.from('and bytes'));
    expect(await closeOf(client)).toEqual({ code: 1003, reason: 'binary messages only' });
    const fault = await ours.untilClosed();
    expect(fault).toBeInstanceOf(PeerFault);
    expect(fault?.message).toBe('a text message: this port takes binary messages');
    expect(ours.received).toBe(0);
  });

  test('an empty message is its half-close; when both have said it, the code is 1000', async () => {
    const { client, ours, messages } = await plainClient();
    client.send(Buffer.from('that was all'));
    client.send(Buffer.alloc(0));
    client.send(Buffer.from('not heard any more'));
    await ours.untilEnded();
    ours.connection.send(Buffer.from('answer'));
    ours.connection.end();
    expect((await closeOf(client)).code).toBe(1000);
    expect(ours.text).toBe('that was all');
    expect(messages.map((message) => message.toString())).toEqual(['answer', '']);
  });

  test('a peer that closes politely without half-close ends it without an error', async () => {
    const { client, ours } = await plainClient();
    client.send(Buffer.from('bye'));
    client.close(1000);
    expect(await ours.untilClosed()).toBeNull();
    expect(ours.text).toBe('bye');
  });

  test('what came before the peer closed waits for a paused receiver', async () => {
    const { client, ours } = await plainClient();
    for (let at = 0; at < 50; at++) client.send(Uint8Array.of(at));
    client.close(1000);
    ours.onData = () => {
      ours.connection.pause();
      setImmediate(() => ours.connection.resume());
    };
    expect(await ours.untilClosed()).toBeNull();
    expect(ours.bytes).toEqual(Buffer.from(Array.from({ length: 50 }, (_, at) => at)));
  });

  test('a peer that is gone without a close frame is noticed by one that is paused', async () => {
    const { client, ours } = await plainClient();
    ours.connection.pause();
    client.terminate();
    expect(await ours.untilClosed()).toBeInstanceOf(Error);
    expect(ours.events).toEqual(['close']);
  });

  test('messages in fragments are bytes like others', async () => {
    const { client, ours } = await plainClient();
    client.send(Buffer.from('one '), { fin: false });
    client.send(Buffer.from('two'), { fin: true });
    await ours.untilReceived(7);
    expect(ours.text).toBe('one two');
  });

  test('a message over the limit closes with 1009 and delivers nothing of it', async () => {
    const { client, ours } = await plainClient();
    client.send(Buffer.alloc(MAX_MESSAGE + 1));
    expect((await closeOf(client)).code).toBe(1009);
    const fault = await ours.untilClosed();
    expect(fault).toBeInstanceOf(PeerFault);
    expect(fault?.message).toBe(`a message of more than ${MAX_MESSAGE} bytes`);
    expect(ours.received).toBe(0);
  });

  test('a message over a limit that was set closes with 1009, until the limit is lifted', async () => {
    const { client, ours } = await plainClient();
    ours.connection.limitMessages?.(1_000);
    client.send(Buffer.alloc(1_000));
    await ours.untilReceived(1_000);
    ours.connection.limitMessages?.(null);
    client.send(Buffer.alloc(1_001));
    await ours.untilReceived(2_001);
    ours.connection.limitMessages?.(1_000);
    client.send(Buffer.alloc(1_001));
    expect(await closeOf(client)).toEqual({ code: 1009, reason: 'message too long' });
    expect((await ours.untilClosed())?.message).toBe('a message of more than 1000 bytes');
    expect(ours.received).toBe(2_001);
  });

  test('a message over a limit that was set is not waited for to its end', async () => {
    const { client, ours } = await plainClient();
    ours.connection.limitMessages?.(1_000);
    for (let sent = 0; sent < 500; sent++) client.send(Buffer.alloc(1_000));
    await ours.untilReceived(500_000);
    // The last fragment never comes.
    const { readyState } = client;
    const chunk = Buffer.alloc(65_536);
    for (let sent = 0; sent < MAX_MESSAGE - chunk.length; sent += chunk.length)
      client.send(chunk, { fin: false });
    expect(readyState).toBe(WebSocket.OPEN);
    expect((await closeOf(client)).code).toBe(1009);
    await ours.untilClosed();
    expect(ours.received).toBe(500_000);
  });

  test('a peer that sends small messages without pause gets a share of each turn, and no more', async () => {
    const { client, ours } = await plainClient();
    const count = 40_000;
    const inTurn: number[] = [];
    let turn = 0;
    let over = false;
    const nextTurn = () => {
      turn++;
      if (!over) setImmediate(nextTurn);
    };
    setImmediate(nextTurn);
    onTestFinished(() => {
      over = true;
    });
    ours.onData = () => {
      inTurn[turn] = (inTurn[turn] ?? 0) + 1;
    };
    for (let sent = 0; sent < count; sent++) client.send(Uint8Array.of(sent));
    await ours.untilReceived(count);
    // Its turns and ours do not begin at the same moment.
    expect(Math.max(...inTurn.filter(Boolean))).toBeLessThanOrEqual(2 * FAIR_SHARE);
    expect(ours.bytes.equals(Buffer.from(Array.from({ length: count }, (_, at) => at & 255)))).toBe(true);
  });

  test('pings are answered: of those that come together, the last', async () => {
    const { client, ours } = await plainClient();
    const pongs: string[] = [];
    const answered = new Promise<void>((resolve) => {
      client.on('pong', (data) => {
        pongs.push(data.toString());
        if (data.toString() === 'last') resolve();
      });
    });
    client.send(Buffer.from('before '));
    for (let sent = 0; sent < 20; sent++) client.ping(`${sent}`);
    client.ping('last');
    client.send(Buffer.from('and after'));
    await answered;
    await ours.untilReceived(16);
    expect(ours.text).toBe('before and after');
    expect(pongs.at(-1)).toBe('last');
  });

  test('messages of every size reach it whole, also those with bytes that were on loan', async () => {
    const { client, ours, messages } = await plainClient();
    const sizes = [1, 125, 126, 127, 16_384, 16_385, 65_535, 65_536, 262_144];
    const loan = Buffer.alloc(262_144);
    for (const [at, size] of sizes.entries()) {
      ours.connection.send(randomBytes(size, at));
      loan.set(randomBytes(size, at + 100));
      ours.connection.sendLent(loan.subarray(0, size));
      loan.fill(0);
    }
    ours.connection.close();
    await closeOf(client);
    expect(messages.map(({ length }) => length)).toEqual(sizes.flatMap((size) => [size, size]));
    for (const [at, size] of sizes.entries()) {
      expect(messages[2 * at]?.equals(randomBytes(size, at))).toBe(true);
      expect(messages[2 * at + 1]?.equals(randomBytes(size, at + 100))).toBe(true);
    }
  });

  test('what is sent is cut into messages that every peer of ours takes', async () => {
    const { client, ours, messages } = await plainClient();
    ours.connection.send(randomBytes(3 * MAX_MESSAGE + 4));
    ours.connection.close();
    await closeOf(client);
    expect(messages.map(({ length }) => length)).toEqual([MAX_MESSAGE, MAX_MESSAGE, MAX_MESSAGE, 4]);
  });
});

describe.each([
  ['a client', async () => plainClient().then(({ client: peer, ...rest }) => ({ peer, ...rest }))],
  ['a server', async () => plainServer().then(({ server: peer, ...rest }) => ({ peer, ...rest }))],
])('ws, when both said "no more" and %s reads slowly', (_peer, connect) => {
  const bytes = randomBytes(MAX_MESSAGE);

  /** All is said, and in the kernel; the peer has read nothing of it. Timeouts are fake from here on. */
  async function ended() {
    const ends = await connect();
    const { peer, ours } = ends;
    peer.on('error', () => {});
    peer.pause();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    ours.connection.send(bytes);
    ours.connection.end();
    peer.send(new Uint8Array(0));
    await ours.untilEnded();
    await turn();
    return ends;
  }

  test('it gets all of it, also where it asks meanwhile whether this side is still there', async () => {
    const { peer, ours, messages } = await ended();
    vi.advanceTimersByTime(20_000);
    await turn();
    const closed = closeOf(peer);
    await new Promise((written) => peer.ping('', undefined, written));
    await new Promise((written) => peer.ping('', undefined, written));
    expect(ours.closed).toBeUndefined();
    await turn();
    peer.resume();
    expect((await closed).code).toBe(1000);
    expect(Buffer.concat(messages).equals(bytes)).toBe(true);
    expect(await ours.untilClosed()).toBeNull();
  });

  test('it is waited for no longer than half a minute', async () => {
    const { ours } = await ended();
    vi.advanceTimersByTime(30_000);
    expect(await ours.untilClosed()).toBeNull();
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
  });
});

test('ws, messages handed on whole: a server that reads slowly gets what came before a close', async () => {
  const { server, ours, messages } = await plainServer({ target: '/', headers: {} });
  server.on('error', () => {});
  server.pause();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const bytes = randomBytes(MAX_MESSAGE);
  ours.connection.send(bytes);
  ours.connection.close({ code: 1000, reason: 'done' });
  await turn();
  vi.advanceTimersByTime(20_000);
  await turn();
  const closed = closeOf(server);
  await new Promise((written) => server.ping('', undefined, written));
  await new Promise((written) => server.ping('', undefined, written));
  server.resume();
  expect(await closed).toEqual({ code: 1000, reason: 'done' });
  expect(Buffer.concat(messages).equals(bytes)).toBe(true);
});

describe('ws, and HTTP', () => {
  test('a plain HTTP request is told what this port is', async () => {
    const listener = await ws.listen('127.0.0.1:0', { accept() {} });
    onTestFinished(() => listener.close());
    const response = await fetch(`http://${listener.address}/`);
    expect(response.status).toBe(426);
    expect(await response.text()).toContain('skewgate+ws://');
  });

  test('what becomes of each peer is told once, as soon as it is known', async () => {
    const ends: HandshakeEnd[] = [];
    const changes = new Changes();
    const visits: string[] = [];
    const accepted: unknown[] = [];
    const listener = await ws.listen('127.0.0.1:0', {
      accept(connection, tracked) {
        accepted.push(tracked);
        connection.handle(new Recorder(connection));
      },
      track(peer) {
        visits.push(peer);
        return {
          admitted: true,
          end(how) {
            ends.push(how);
            changes.notify();
          },
        };
      },
    });
    onTestFinished(() => listener.close());
    const port = Number(listener.address.split(':').at(-1));
    const said = async (act: () => unknown) => {
      const before = ends.length;
      act();
      await until(changes, () => ends.length > before, 'the end of a handshake');
      const end = ends.at(-1);
      return typeof end === 'object' ? end.why : end;
    };
    const raw = (text: string) => () =>
      net
        .connect(port, '127.0.0.1')
        .on('error', () => {})
        .resume()
        .end(text);
    const reset = () => {
      const socket = net.connect(port, '127.0.0.1', () => socket.resetAndDestroy());
    };
    expect(await said(() => new WebSocket(`ws://${listener.address}`).on('error', () => {}))).toBe(
      'connection',
    );
    expect(await said(() => fetch(`http://${listener.address}/`))).toBe('probe');
    expect(await said(raw('')), 'the probe of a load balancer').toBe('probe');
    expect(await said(reset), 'a probe that ends with a reset').toBe('probe');
    expect(await said(raw('\x16\x03\x01 hello'))).toContain('neither HTTP nor WebSocket');
    expect(
      await said(raw('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')),
    ).toContain('ended before');
    await listener.close();
    expect(ends).toHaveLength(6);
    expect(visits).toHaveLength(6);
    expect(accepted).toEqual([expect.objectContaining({ admitted: true })]);
    expect(visits).toEqual(Array(6).fill(expect.stringMatching(/^127\.0\.0\.1:\d+$/)));
  });

  test('a closed listener lets go of connections that never became a WebSocket', async () => {
    const listener = await ws.listen('127.0.0.1:0', { accept() {} });
    const [host, port] = listener.address.split(':') as [string, string];
    const silent = net.connect(Number(port), host).resume();
    silent.on('error', () => {});
    await once(silent, 'connect');
    silent.write('GET / HT');
    await fetch(`http://${listener.address}/`).then((response) => response.text());
    const closed = once(silent, 'close');
    await listener.close();
    await closed;
  });

  test('dialling an HTTP server that is no WebSocket server fails', async () => {
    const plain = http.createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    onTestFinished(() => void plain.close());
    await once(plain, 'listening');
    const { port } = plain.address() as net.AddressInfo;
    await expect(ws.dial(`127.0.0.1:${port}`)).rejects.toThrow(/200/);
  });

  test('dialling a peer that never answers ends with the signal', async () => {
    const mute = net.createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    onTestFinished(() => void mute.close());
    await once(mute, 'listening');
    const { port } = mute.address() as net.AddressInfo;
    const abort = new AbortController();
    const connected = once(mute, 'connection');
    const dialling = ws.dial(`127.0.0.1:${port}`, { signal: abort.signal });
    dialling.catch(() => {});
    const [socket] = (await connected) as [net.Socket];
    const left = once(socket, 'close');
    abort.abort();
    await expect(dialling).rejects.toThrow(/gave up/);
    await left;
  });

  test('a path in the address is asked for', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/db' });
    onTestFinished(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const near = await ws.dial(`127.0.0.1:${port}/db`);
    near.destroy();
    await expect(ws.dial(`127.0.0.1:${port}/other`)).rejects.toThrow(/400/);
  });
});
