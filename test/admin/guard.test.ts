/** Who may ask a gate's API, and who gets nothing. */
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { takeToken } from '../../src/admin/token.ts';
import { tempFolder } from '../support/folder.ts';
import { type AdministeredGate, startWithAdmin } from './support.ts';

/** Every route of the document that changes something. */
async function changingRoutes(gate: AdministeredGate): Promise<string[]> {
  const { body } = await gate.get('/openapi.json');
  return Object.entries(body.paths as Record<string, Record<string, { security?: [{ token?: unknown }] }>>)
    .filter(([, { post }]) => post?.security?.[0]?.token !== undefined)
    .map(([route]) => route);
}

/** With headers that fetch does not let anybody set. */
async function raw(
  gate: AdministeredGate,
  route: string,
  headers: http.OutgoingHttpHeaders,
  method = 'GET',
): Promise<{ status: number | undefined; body: string }> {
  const { hostname, port } = new URL(gate.admin.address);
  const request = http.request({ hostname, port, path: route, method, headers, agent: false });
  request.end();
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  return { status: answer.statusCode, body: await text(answer) };
}

describe('what changes something', () => {
  test('needs the token on every route that the document says so of, and without it nothing changes', async () => {
    await using gate = await startWithAdmin();
    await using session = await gate.fleet.admit('4.14.0');
    const routes = await changingRoutes(gate);
    expect(routes).toEqual(expect.arrayContaining(['/v1/pause', '/v1/resume']));
    const before = gate.fleet.gate.status();
    for (const route of routes)
      for (const [authorization, error] of [
        ['', 'NO_TOKEN'],
        ['Basic YTpi', 'NO_TOKEN'],
      ] as const) {
        const answer = await gate.post(route, { session: session.id }, { authorization });
        expect([route, answer.status, answer.body.error]).toEqual([route, 401, error]);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="skewgate"');
      }
    for (const wrong of [`${gate.token}x`, gate.token.slice(1)]) {
      const answer = await gate.post(
        '/v1/kick',
        { session: session.id },
        { authorization: `Bearer ${wrong}` },
      );
      expect([answer.status, answer.body.error]).toEqual([401, 'WRONG_TOKEN']);
    }
    expect(gate.fleet.gate.status()).toEqual(before);
  });

  test('is refused before its body is read, so that a stranger can send nothing', async () => {
    await using gate = await startWithAdmin();
    const { status, body } = await gate.post('/v1/pause', 'x'.repeat(1_000_000), { authorization: '' });
    expect([status, body.error]).toEqual([401, 'NO_TOKEN']);
  });

  test('with the token it is done, and a token in the address is none', async () => {
    await using gate = await startWithAdmin();
    const inAddress = await gate.post(`/v1/pause?token=${gate.token}`, {}, { authorization: '' });
    expect(inAddress.status).toBe(401);
    expect((await gate.post('/v1/pause', { reason: 'a test' })).status).toBe(200);
  });
});

describe('a web page elsewhere', () => {
  test('gets nothing by a host name that it made lead to the gate', async () => {
    await using gate = await startWithAdmin({ servers: [{ version: '4.14.0' }], hosts: ['gate.example'] });
    for (const host of [
      'evil.example',
      'evil.example:8790',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
    ]) {
      const { status, body } = await raw(gate, '/v1/sessions', { host });
      expect([host, status, JSON.parse(body).error]).toEqual([host, 421, 'WRONG_HOST']);
    }
    for (const host of [
      'localhost',
      'LOCALHOST:80',
      '127.0.0.1:1',
      '[::1]:8790',
      '10.0.0.7',
      'gate.example:8790',
    ])
      expect([host, (await raw(gate, '/v1/sessions', { host })).status]).toEqual([host, 200]);
  });

  test('gets nothing by the origin that it has, not even with the token', async () => {
    await using gate = await startWithAdmin();
    const before = gate.fleet.gate.status();
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
      const answer = await gate.post('/v1/pause', {}, { origin });
      expect([origin, answer.status, answer.body.error]).toEqual([origin, 403, 'WRONG_ORIGIN']);
      const read = await gate.get('/v1/sessions', { headers: { origin } });
      expect([origin, read.status]).toEqual([origin, 403]);
      expect(read.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect(gate.fleet.gate.status()).toEqual(before);
    const own = await gate.get('/v1/sessions', { headers: { origin: gate.admin.address } });
    expect(own.status).toBe(200);
  });

  test('may neither frame nor embed what the gate answers, and nothing of it is kept', async () => {
    await using gate = await startWithAdmin();
    for (const route of ['/live', '/v1/cluster', '/no/such/route']) {
      const { headers } = await gate.get(route);
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });
});

describe('requests that cost', () => {
  test('a body that is too large is refused as soon as that is clear', async () => {
    await using gate = await startWithAdmin();
    const { status, body } = await gate.post('/v1/pause', { reason: 'x'.repeat(300_000) });
    expect([status, body.error]).toEqual([413, 'TOO_LARGE']);
    expect(gate.fleet.gate.lifecycle.state).toBe('serving');
  });

  test('a body that drips in is cut off, and the gate answers others meanwhile', async () => {
    await using gate = await startWithAdmin();
    const { hostname, port } = new URL(gate.admin.address);
    const socket = net.connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    socket.write(
      `POST /v1/pause HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${gate.token}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{`,
    );
    expect((await gate.get('/live')).status).toBe(200);
    socket.resume();
    await once(socket, 'close');
    expect(gate.fleet.gate.lifecycle.state).toBe('serving');
  });
});

describe('the token', () => {
  test('is made at the first start, for the eyes of its owner only, and is the same at the next', async () => {
    const folder = tempFolder();
    const file = path.join(folder, 'admin.token');
    const first = takeToken(file);
    expect(first).toMatch(/^[\w-]{32}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(takeToken(file)).toBe(first);
    expect(takeToken(path.join(folder, 'other.token'))).not.toBe(first);
  });

  test.each([
    ['others may read it', 0o644, 'a-token-of-some-length', 'chmod 600'],
    ['it is too short', 0o600, 'short', 'holds no token'],
    ['it is empty', 0o600, '', 'holds no token'],
  ])('keeps a gate from starting where %s', (_what, mode, text, message) => {
    const file = path.join(tempFolder(), 'admin.token');
    writeFileSync(file, text);
    chmodSync(file, mode);
    expect(() => takeToken(file)).toThrow(message);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

test('a Unix socket may be opened by its owner only, is asked by any name, and replaces one that a killed gate left', async () => {
  const folder = tempFolder();
  const socketPath = path.join(folder, 'gate.sock');
  const dead = net.createServer().listen(socketPath);
  await once(dead, 'listening');
  // Node takes the file away when it closes a server: one that is killed does not come to that.
  const left = path.join(folder, 'left.sock');
  const { linkSync } = await import('node:fs');
  linkSync(socketPath, left);
  dead.close();
  await once(dead, 'close');
  await using gate = await startWithAdmin({ folder, listenAdmin: 'unix:left.sock' });
  expect(gate.admin.address).toBe(`unix:${left}`);
  expect(gate.admin.link).not.toContain(gate.token);
  expect(statSync(left).mode & 0o777).toBe(0o600);
  const request = http.get({ socketPath: left, path: '/live', headers: { host: 'whatever.example' } });
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  expect(JSON.parse(await text(answer))).toEqual({ live: true });
  await expect(startWithAdmin({ folder, listenAdmin: 'unix:left.sock' })).rejects.toThrow('EADDRINUSE');
});
