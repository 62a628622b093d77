/**
 * Clients of the admin side that mean harm, on sockets of their own: each leaves connections and readers where they were,
 * nothing is done, and meanwhile somebody who asks is answered.
 */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Browser, launchBrowser, missing } from '../support/browser.ts';
import { type AdministeredGate, startWithAdmin, startWithRoles, TOKENS } from './support.ts';

const WAIT = { timeout: 15_000, interval: 20 };

function open(gate: AdministeredGate): net.Socket {
  const { hostname, port } = new URL(gate.admin.address);
  const socket = net.connect({ host: hostname, port: Number(port) });
  // The gate may end it at any moment.
  socket.on('error', () => {});
  return socket;
}

/** What comes back to some bytes, until the gate ends the connection or is silent for long. */
async function exchange(gate: AdministeredGate, bytes: string): Promise<string> {
  const socket = open(gate);
  socket.write(bytes, 'latin1');
  socket.setTimeout(8_000, () => socket.destroy());
  return text(socket).catch(() => '');
}

const descriptors = () => readdirSync('/proc/self/fd').length;

/** ms that a question took, of a connection of its own. */
async function latency(gate: AdministeredGate): Promise<number> {
  const begun = performance.now();
  const headers = { authorization: `Bearer ${TOKENS.viewer}` };
  const request = http.get(`${gate.admin.address}/v1/cluster`, { headers, agent: false });
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  expect(answer.statusCode).toBe(200);
  await text(answer);
  return performance.now() - begun;
}

const HEAD = `host: localhost\r\nauthorization: Bearer ${TOKENS.admin}\r\ncontent-type: application/json`;
const PAUSE = '{"reason":"smuggled"}';
const inner = `POST /v1/pause HTTP/1.1\r\n${HEAD}\r\ncontent-length: ${PAUSE.length}\r\n\r\n${PAUSE}`;

describe('a request that two programs would read differently', () => {
  test.each([
    ['two lengths', `content-length: 0\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`],
    ['a length and chunks', `content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`],
    ['chunks under another name', `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`],
    ['chunks twice', `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`],
    ['a length with a sign', `content-length: +0\r\n\r\n${inner}`],
    ['a space before the colon', `content-length : 0\r\n\r\n${inner}`],
    ['a folded header', `x: a\r\n content-length: 0\r\ncontent-length: 0,0\r\n\r\n${inner}`],
    ['lines that end with LF alone', `x: a\ncontent-length: 0\n\n${inner}`],
    ['a zero byte in a header', `x: a\0b\r\n\r\n${inner}`],
    ['a chunk whose length is none', `transfer-encoding: chunked\r\n\r\nzz\r\n${inner}`],
  ])('of %s is refused as a whole, and what is in its body is not done', async (_what, rest) => {
    await using gate = await startWithRoles();
    const said = await exchange(gate, `POST /v1/what-if HTTP/1.1\r\n${HEAD}\r\n${rest}`);
    expect(said).not.toMatch(/^HTTP\/1\.1 2/m);
    expect(gate.fleet.gate.orders.list()).toEqual([]);
    await latency(gate);
  });

  test('mutated at random changes nothing, and the gate answers on', async () => {
    await using gate = await startWithRoles();
    let state = 20_261_125;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const whole = inner.replace(TOKENS.admin, TOKENS.viewer);
    await Promise.all(
      Array.from({ length: 300 }, async () => {
        const bytes = Buffer.from(whole, 'latin1');
        for (let change = 0; change <= random(6); change++) bytes[random(bytes.length)] = random(256);
        const socket = open(gate);
        socket.resume().end(bytes);
        socket.setTimeout(8_000, () => socket.destroy());
        await once(socket, 'close');
      }),
    );
    expect(gate.fleet.gate.orders.list()).toEqual([]);
    await latency(gate);
  }, 60_000);
});

describe('somebody who asks is answered', () => {
  test('while a thousand connections say nothing, and drips of headers and bodies go on; all of them are gone after', async () => {
    await using gate = await startWithRoles();
    await latency(gate);
    const calm = Math.max(await latency(gate), await latency(gate), await latency(gate));
    const before = descriptors();
    const starts = [
      '',
      'GET /v1/cluster HTTP/1.1\r\nx: ',
      `POST /v1/what-if HTTP/1.1\r\n${HEAD}\r\ncontent-length: 1000\r\n\r\n{`,
    ];
    const sockets = Array.from({ length: 1_000 }, (_, at) => {
      const socket = open(gate);
      const begin = starts[at % starts.length] as string;
      if (begin !== '') socket.write(begin);
      return socket.resume();
    });
    const slowest = { ms: 0 };
    for (let time = 0; time < 20; time++) slowest.ms = Math.max(slowest.ms, await latency(gate));
    // A tenth of a second, or fifty times what it takes in calm: a thousand connects are being made meanwhile.
    expect(slowest.ms).toBeLessThan(Math.max(2_000, 50 * calm));
    await vi.waitUntil(() => sockets.every(({ destroyed }) => destroyed), WAIT);
    await vi.waitUntil(() => descriptors() <= before + 4, WAIT);
    expect(gate.fleet.gate.orders.list()).toEqual([]);
  }, 60_000);
});

describe('a page of another origin, in a browser', () => {
  let browser: Browser;
  const skipped = missing !== null && process.env.CI === undefined;
  if (missing !== null)
    console.warn(`the browser's part of test/admin/hostile.slow.test.ts is skipped: ${missing}`);
  beforeAll(async () => {
    if (missing === null) browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test.skipIf(skipped)(
    'reads nothing, does nothing and frames nothing, not even with the token',
    async () => {
      await using gate = await startWithAdmin();
      const elsewhere = http.createServer((_request, response) =>
        response.setHeader('content-type', 'text/html').end('<!doctype html><title>evil</title>'),
      );
      elsewhere.listen(0, '127.0.0.1');
      await once(elsewhere, 'listening');
      const { port } = elsewhere.address() as net.AddressInfo;
      const page = await browser.newPage({ viewport: { width: 800, height: 600 }, colorScheme: 'light' });
      await page.goto(`http://localhost:${port}/`);
      const outcome = await page.evaluate<string[]>(`(async () => {
      const gate = ${JSON.stringify(gate.admin.address)};
      const token = ${JSON.stringify(gate.token)};
      const tried = async (act) => { try { return await act(); } catch { return 'blocked'; } };
      const read = await tried(async () => (await fetch(gate + '/v1/cluster')).text());
      const withToken = await tried(async () => (await fetch(gate + '/v1/cluster', { headers: { authorization: 'Bearer ' + token } })).text());
      const act = await tried(async () => (await fetch(gate + '/v1/pause', { method: 'POST', mode: 'no-cors', body: '{}' })).type);
      const json = await tried(async () => (await fetch(gate + '/v1/pause', { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer ' + token }, body: '{}' })).text());
      const form = document.createElement('form');
      form.method = 'post'; form.action = gate + '/v1/pause'; form.target = 'sink';
      const sink = document.createElement('iframe'); sink.name = 'sink';
      document.body.append(sink, form);
      form.submit();
      const frame = document.createElement('iframe');
      frame.src = gate + '/';
      const loaded = new Promise((done) => { frame.onload = done; });
      document.body.append(frame);
      await loaded;
      const framed = await tried(() => String(frame.contentDocument?.title ?? 'none of it'));
      return [read, withToken, act, json, framed];
    })()`);
      expect(outcome.slice(0, 2)).toEqual(['blocked', 'blocked']);
      expect(outcome[3]).toBe('blocked');
      expect(['none of it', '']).toContain(outcome[4]);
      expect(gate.fleet.gate.orders.list()).toEqual([]);
      expect(gate.fleet.log.of('operator')).toEqual([]);
      await page.close();
      elsewhere.close();
      elsewhere.closeAllConnections();
    },
    60_000,
  );
});
