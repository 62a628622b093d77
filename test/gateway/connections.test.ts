/** Real connections, good and bad, counted: accepted = active + ended by cause, with nothing left once all are gone. */
import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Gate } from '../../src/gateway/gate.ts';
import { realEnvironment } from '../support/environment.ts';
import { type Fleet, startFleet } from '../support/gate.ts';
import { helloBytes } from '../support/raw-client.ts';

const sumOf = (counts: ReadonlyMap<string, number>) =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

/** Waits until so many connections have ended, and holds the invariant meanwhile. */
async function untilEnded(gate: Gate, count: number): Promise<void> {
  for (const limit = AbortSignal.timeout(8_000); ; ) {
    const { accepted, active, ended } = gate.status().connections;
    expect(sumOf(accepted)).toBe(active + sumOf(ended));
    if (sumOf(ended) >= count) return;
    if (limit.aborted) throw new Error(`${sumOf(ended)} of ${count} connections ended`);
    await turn();
  }
}

const start = (limits?: { handshakes: number; sessions: number }) =>
  startFleet(realEnvironment, {
    listen: [
      { tcp: '127.0.0.1:0' },
      { ws: '127.0.0.1:0' },
      { ws: '127.0.0.1:0', assume: '4.14.0' },
      { tcp: '127.0.0.1:0', assume: '4.13.0' },
    ],
    servers: [{ version: '4.14.0' }],
    timeouts: { handshake: '10s', hold: '0s', drain: '0s' },
    ...(limits && { limits }),
  });

function dial(fleet: Fleet, at: number): net.Socket {
  const { hostname, port } = new URL(fleet.address(at).replace(/^\w+/, 'http'));
  const socket = net.connect(Number(port), hostname).resume();
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

const wsUrl = (fleet: Fleet, at: number) => fleet.address(at);

test('each kind of connection ends for its cause, on every listener, and none is counted twice', async () => {
  await using fleet = await start();
  const { gate } = fleet;
  let ended = 0;
  const oneMore = () => untilEnded(gate, ++ended);
  // Probes: closed, reset, and asked over HTTP.
  dial(fleet, 0).end();
  await oneMore();
  const reset = dial(fleet, 0);
  await once(reset, 'connect');
  reset.resetAndDestroy();
  await oneMore();
  dial(fleet, 1).end();
  await oneMore();
  await fetch(wsUrl(fleet, 1).replace('ws:', 'http:')).then((response) => response.text());
  await oneMore();
  // Refusals: garbage, an older client's successor, and what never became a WebSocket.
  dial(fleet, 0).end('nonsense, and more of it');
  await oneMore();
  await fleet.refuse('4.15.0');
  await oneMore();
  dial(fleet, 1).end('\x16\x03\x01 hello');
  await oneMore();
  dial(fleet, 1).end('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  await oneMore();
  const foreign = new WebSocket(wsUrl(fleet, 1), { origin: 'https://evil.example' }).on('error', () => {});
  await new Promise((resolve) => foreign.once('close', resolve));
  await oneMore();
  // A client that leaves in the middle of its hello.
  const hello = helloBytes('4.14.0');
  const half = dial(fleet, 0);
  half.write(hello.slice(0, 10));
  await once(half, 'connect');
  await new Promise((resolve) => half.write(hello.slice(10, 12), resolve));
  half.resetAndDestroy();
  await oneMore();
  expect(Object.fromEntries(gate.status().connections.ended)).toEqual({
    probe: 4,
    refused: 5,
    'client-left': 1,
  });
  // Sessions, over TCP, WebSocket and both kinds of `assume`.
  const sessions = await Promise.all([fleet.connect('4.14.0'), fleet.connect('4.14.0', { at: 1 })]);
  const web = new WebSocket(wsUrl(fleet, 2)).on('error', () => {});
  await once(web, 'open');
  const plain = dial(fleet, 3);
  await fleet.log.until('handshake', { verdict: 'permit' }, 4);
  await turn();
  expect(gate.status()).toMatchObject({ sessions: 4, handshakes: 0, connections: { active: 4 } });
  for (const session of sessions) session.end();
  web.close();
  plain.destroy();
  await untilEnded(gate, ended + 4);
  await fleet.idle();
  const { accepted, active, ended: causes } = gate.status().connections;
  expect(active).toBe(0);
  expect([0, 1, 2, 3].map((at) => accepted.get(fleet.address(at)))).toEqual([6, 6, 1, 1]);
  const reasons = fleet.log.of('session-end').map(({ reason }) => reason);
  expect(reasons).toHaveLength(4);
  expect(sumOf(causes)).toBe(ended + 4);
  for (const reason of reasons)
    expect(causes.get(reason)).toBe(reasons.filter((other) => other === reason).length);
});

test('a flood over the limits is counted as what it is, also those who are turned away at the door', async () => {
  await using fleet = await start({ handshakes: 20, sessions: 5 });
  const flood = Array.from({ length: 120 }, (_, at) => {
    const socket = dial(fleet, at % 4);
    if (at % 8 === 0) socket.write('nonsense');
    if (at % 8 === 4) socket.write(helloBytes('4.14.0'));
    return socket;
  });
  await Promise.all(flood.map((socket) => once(socket, 'connect').catch(() => {})));
  for (const [at, socket] of flood.entries()) at % 2 === 0 ? socket.end() : socket.destroy();
  await untilEnded(fleet.gate, 120);
  await fleet.idle();
  const { accepted, active, ended } = fleet.gate.status().connections;
  expect([sumOf(accepted), active, sumOf(ended)]).toEqual([120, 0, 120]);
  expect(ended.has('fault')).toBe(false);
});

test('a gate that is stopped has ended all that it accepted', async () => {
  const fleet = await start();
  await fleet.admit('4.14.0');
  dial(fleet, 0);
  dial(fleet, 1);
  await untilAccepted(fleet.gate, 3);
  await fleet[Symbol.asyncDispose]();
  const { accepted, active, ended } = fleet.gate.status().connections;
  expect([sumOf(accepted), active, sumOf(ended)]).toEqual([3, 0, 3]);
  expect(ended.get('gate-stopped')).toBe(1);
});

async function untilAccepted(gate: Gate, count: number): Promise<void> {
  for (const limit = AbortSignal.timeout(8_000); sumOf(gate.status().connections.accepted) < count; ) {
    if (limit.aborted) throw new Error('not accepted');
    await turn();
  }
}
