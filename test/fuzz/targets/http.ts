/**
 * Servers that read HTTP from real sockets: a WebSocket port, and the admin side. A peer sends anything; the server
 * answers the next one, ends each in its time, and changes nothing that it was not allowed to change.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startWithAdmin } from '../../admin/support.ts';
import { realEnvironment } from '../../support/environment.ts';
import { startFleet } from '../../support/gate.ts';
import { type OpenTarget, texts } from '../target.ts';

/** ms after which a peer is let go: the deadlines of HTTP are other tests' concern. */
const PATIENCE = 2_000;
/** Inputs between two looks at whether the server still serves. */
const LOOK_EVERY = 64;

const WORDS = [
  '\r\n\r\n',
  '\r\n',
  'HTTP/1.1',
  'HTTP/1.0',
  'Host: 127.0.0.1',
  'content-length: ',
  'transfer-encoding: chunked',
  'expect: 100-continue',
  'connection: keep-alive',
  'upgrade: websocket',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version: 13',
  'authorization: Bearer ',
  'content-type: application/json',
  '%2e%2e%2f',
  '%00',
  'POST',
  'GET',
  'OPTIONS',
  'TRACE',
  '0\r\n\r\n',
  '{}',
];

/** Sends the bytes as they are and the end of its side, and waits until the server has closed. */
async function exchange(port: number, bytes: Uint8Array): Promise<void> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.setTimeout(PATIENCE, () => socket.destroy());
  socket.resume();
  socket.end(bytes);
  await once(socket, 'close');
}

const request = (line: string, headers: readonly string[] = [], body = '') =>
  `${[`${line} HTTP/1.1`, 'Host: 127.0.0.1', 'connection: close', ...headers].join('\r\n')}\r\n\r\n${body}`;

const json = (body: string) => ['content-type: application/json', `content-length: ${body.length}`];

/** The HTTP of a WebSocket port, and the frames after it. */
export const openUpgrade: OpenTarget = async () => {
  const fleet = await startFleet(realEnvironment, {
    listen: [{ ws: '127.0.0.1:0', origins: ['https://app.example'] }],
    servers: [{ version: '4.14.0' }],
  });
  const port = Number(new URL(fleet.address()).port);
  const upgrade = [
    'upgrade: websocket',
    'connection: upgrade',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version: 13',
  ];
  let inputs = 0;
  const look = async () => {
    const session = await fleet.admit('4.14.0');
    session.destroy();
    await fleet.idle();
    fleet.log.lines.length = 0;
  };
  return {
    corpus: texts(
      request('GET /', upgrade),
      request('GET /chat?x=1', [...upgrade, 'origin: https://app.example', 'sec-websocket-protocol: a, b']),
      request('GET /', [...upgrade, 'origin: https://elsewhere.example']),
      `${request('GET /', upgrade)}\u0002\u0000\u0000`,
      request('GET /'),
      request('POST /', json('{}'), '{}'),
    ),
    words: WORDS,
    longest: 4_096,
    async run(input) {
      await exchange(port, input);
      if (++inputs % LOOK_EVERY === 0) await look();
      if (fleet.log.of('gate', { what: 'fault' }).length > 0) throw new Error('a fault of the gate');
    },
    async close() {
      await look();
      await fleet[Symbol.asyncDispose]();
    },
  };
};

/** The admin side, from peers without a token: they are shown things, and change nothing. */
export const openAdmin: OpenTarget = async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'skewgate-fuzz-'));
  const gate = await startWithAdmin({ folder });
  const port = Number(new URL(gate.admin.address).port);
  const drain = '{"clients":"<4.14","over":"10m","reason":"end of life"}';
  const whatIf = '{"servers":"4.16.0"}';
  let inputs = 0;
  const look = async () => {
    const { status } = await gate.get('/ready');
    if (status !== 200) throw new Error(`/ready says ${status}: a peer without a token changed something`);
    const orders = gate.fleet.log.of('operator');
    if (orders.length > 0) throw new Error(`done without a token: ${JSON.stringify(orders[0])}`);
    if (gate.fleet.log.of('gate', { what: 'fault' }).length > 0) throw new Error('a fault of the gate');
    gate.fleet.log.lines.length = 0;
  };
  return {
    corpus: texts(
      ...[
        '/',
        '/ready',
        '/metrics',
        '/openapi.json',
        '/v1/status',
        '/v1/decisions?limit=5',
        '/v1/clients',
        '/v1/next?to=4.16',
      ].map((target) => request(`GET ${target}`)),
      request('POST /v1/drain', [...json(drain), `authorization: Bearer ${'x'.repeat(32)}`], drain),
      request('POST /v1/pause', json('{}'), '{}'),
      request('POST /v1/what-if', json(whatIf), whatIf),
      request('GET /v1/events', ['accept: text/event-stream', 'last-event-id: 5']),
    ),
    words: [...WORDS, '/v1/', 'drain', 'pause', 'kick', 'reload', 'limit=', 'since=', 'id='],
    longest: 4_096,
    async run(input) {
      await exchange(port, input);
      if (++inputs % LOOK_EVERY === 0) await look();
    },
    async close() {
      await look();
      await gate[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
};
