/** Gates as people run them: processes of their own that share a ledger. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { outcomeOf, type ServedGate, serveGate } from '../cli/support.ts';
import { NO_ETCD, sharedEtcd } from '../support/etcd.ts';
import { tempFolder } from '../support/folder.ts';

const PROBE = 200;
const DIAL = 3_000;
const WAIT = { timeout: 30_000, interval: 50 };

interface Answer {
  readonly [field: string]: unknown;
  readonly done: boolean;
  readonly waitsFor: string | null;
}

interface AskedGate extends ServedGate {
  ask<T = Answer>(method: 'GET' | 'POST', route: string, body?: object): Promise<T>;
}

const sqlite = () => `sqlite:${path.join(tempFolder(), 'ledger.db')}`;

/** A server without a handshake, which counts the connections to it. */
async function countingServer() {
  const seen = { connections: 0 };
  const server = net.createServer((socket) => {
    seen.connections++;
    socket.on('error', () => {}).resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { seen, port: (server.address() as net.AddressInfo).port };
}

async function gate(id: string, ledger: string, server: number): Promise<AskedGate> {
  const folder = tempFolder();
  const socketPath = path.join(folder, 'admin.sock');
  const config = [
    `id: ${id}`,
    'cluster: shop',
    `admin: { listen: 'unix:${socketPath}' }`,
    `servers: [{ id: db, address: 'tcp://127.0.0.1:${server}', version: 4.14.0 }]`,
    `migration: { ledger: '${ledger}' }`,
    `timeouts: { probe: ${PROBE}ms, dial: ${DIAL}ms, hold: 300ms, drain: 1s }`,
  ].join('\n');
  const served = await serveGate(config, { folder });
  const token = path.join(folder, 'admin.token');
  return {
    ...served,
    async ask<T>(method: 'GET' | 'POST', route: string, body?: object) {
      const request = http.request({
        socketPath,
        method,
        path: route,
        headers: {
          host: 'localhost',
          ...(body && { 'content-type': 'application/json' }),
          ...(existsSync(token) && { authorization: `Bearer ${readFileSync(token, 'utf8').trim()}` }),
        },
      });
      request.end(body && JSON.stringify(body));
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      const answer = await json(response);
      expect(response.statusCode, JSON.stringify(answer)).toBe(200);
      return answer as T;
    },
  };
}

const gatesSeenBy = async (one: AskedGate) =>
  (await one.ask<{ gates: { id: string; state: string; admin: string | null }[] }>('GET', '/v1/gates')).gates;

const sees = (one: AskedGate, ids: readonly string[]) =>
  vi.waitFor(async () => expect((await gatesSeenBy(one)).map(({ id }) => id)).toEqual(ids), WAIT);

const client = (one: AskedGate) => outcomeOf(one.url('4.14.0'));

function orderRules(newLedger: () => string): void {
  test('they show each other, heed orders for all, also one that starts later, and end them together', {
    timeout: 90_000,
  }, async () => {
    const ledger = newLedger();
    const { port } = await countingServer();
    const [a, b] = [await gate('a', ledger, port), await gate('b', ledger, port)];
    await sees(a, ['a', 'b']);
    await sees(b, ['a', 'b']);
    for (const { admin } of await gatesSeenBy(a)) expect(admin).toMatch(/^unix:/);
    expect([await client(a), await client(b)]).toEqual(['admitted by 4.14.0', 'admitted by 4.14.0']);

    const order = { allGates: true, for: 'forever', reason: 'roll', by: 'anna' };
    expect(await a.ask('POST', '/v1/pause', order)).toMatchObject({ done: true, waitsFor: null });
    expect([await client(a), await client(b)]).toEqual(['PAUSED', 'PAUSED']);
    const { orders } = await b.ask<{ orders: object[] }>('GET', '/v1/orders');
    expect(orders).toMatchObject([{ what: 'pause', by: 'anna', reason: 'roll', scope: 'cluster' }]);
    expect((await gatesSeenBy(b)).map(({ state }) => state)).toEqual(['paused', 'paused']);

    // Who took the order is gone; who comes now heeds it from its first client on.
    a.program.signal('SIGKILL');
    await a.program.exited;
    const c = await gate('c', ledger, port);
    expect(await client(c)).toBe('PAUSED');
    const resumed = await c.ask('POST', '/v1/resume', { allGates: true, reason: 'rolled', by: 'ben' });
    // The one that was killed is waited for, while its lease may stand.
    expect([null, expect.stringContaining('heeded by a (')]).toContainEqual(resumed.waitsFor);
    expect(resumed.done).toBe(resumed.waitsFor === null);
    expect([await client(b), await client(c)]).toEqual(['admitted by 4.14.0', 'admitted by 4.14.0']);

    await sees(b, ['b', 'c']);
    c.program.signal('SIGTERM');
    await c.program.exited;
    await sees(b, ['b']);
  });
}

test('one of them probes the server, and the other one does once that one is killed', {
  timeout: 90_000,
}, async () => {
  const ledger = sqlite();
  const { seen, port } = await countingServer();
  const [a, b] = [await gate('a', ledger, port), await gate('b', ledger, port)];
  await sees(a, ['a', 'b']);
  const from = { at: performance.now(), count: seen.connections };
  await vi.waitUntil(() => seen.connections > from.count + 20, WAIT);
  const rounds = (performance.now() - from.at) / (0.9 * PROBE);
  // One gate's rounds, and what the other asks itself where a busy machine lets its knowledge grow old.
  const own = (performance.now() - from.at) / (2 * PROBE + DIAL);
  expect(seen.connections - from.count).toBeLessThanOrEqual(rounds + own + 3);
  a.program.signal('SIGKILL');
  await a.program.exited;
  const left = seen.connections;
  await vi.waitUntil(() => seen.connections > left + 5, WAIT);
  expect(await client(b)).toBe('admitted by 4.14.0');
});

describe('with a ledger in SQLite', () => orderRules(sqlite));

describe.skipIf(NO_ETCD !== null)('with a ledger in etcd', () => {
  const etcd = sharedEtcd();
  orderRules(() => `etcd://${etcd().hosts.join(',')}`);
});
