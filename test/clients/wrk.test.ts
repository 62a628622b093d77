/** An unmodified load generator through the gate to an HTTP server that prints its version. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { gateAssuming, installed, run } from './support.ts';

const HERE = installed('wrk');

async function startHttp(): Promise<{ port: number; requests: () => number }> {
  let requests = 0;
  const server = http.createServer((request, response) => {
    if (request.url === '/version') return response.end('{"release":"4.14.2"}');
    requests++;
    response.end('hello');
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests: () => requests };
}

test.skipIf(!HERE)(
  'wrk gets its answers without an error at an admitted version, and none at a refused one',
  async () => {
    const server = await startHttp();
    const { fleet, ports } = await gateAssuming(['4.13.1', '4.15.0'], {
      address: `tcp://127.0.0.1:${server.port}`,
      version: { http: `http://127.0.0.1:${server.port}/version` },
    });
    const [admitted, refused] = ports.map((port) => `http://127.0.0.1:${port}/`) as [string, string];
    const { status, stdout } = await run('wrk', ['-t1', '-c8', '-d1s', admitted]);
    expect(status).toBe(0);
    expect(stdout).not.toMatch(/Socket errors|Non-2xx/);
    const answered = Number(/(\d+) requests in/.exec(stdout)?.[1]);
    expect(answered).toBeGreaterThan(0);
    expect(server.requests()).toBeGreaterThanOrEqual(answered);
    expect(fleet.log.handshakes.map(({ code, ...record }) => [code, record.serverVersion])).toEqual(
      Array(fleet.log.handshakes.length).fill(['PERMITTED', '4.14.2']),
    );

    const before = server.requests();
    const answer = await new Promise((resolve) =>
      http.get(refused, resolve).on('error', ({ code }: NodeJS.ErrnoException) => resolve(code)),
    );
    expect(answer).toBe('ECONNRESET');
    expect(server.requests()).toBe(before);
    expect(fleet.log.codes.at(-1)).toBe('SERVER_OUTDATED');
  },
);
