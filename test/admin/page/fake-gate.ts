/**
 * Stands where the admin side of a gate is: serves the page's real files, and as the API whatever a test put there. So a
 * test can have a fleet in any state, hostile or gone, without making it happen.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { PAGE_POLICY, readPageFiles } from '../../../src/admin/page-files.ts';

export interface Asked {
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

/** A gate that answers from a table. */
export interface FakeGate extends AsyncDisposable {
  readonly url: string;
  /** What it answers to a GET, by path without query. */
  readonly answers: Record<string, unknown>;
  /** What it answers to a POST; a number is a status of HTTP. */
  readonly effects: Record<string, (body: Record<string, unknown>) => object | Promise<object>>;
  /** Every POST so far. */
  readonly told: Asked[];
  /** Hands a decision to every page that listens. */
  decide(decision: object & { readonly id: string }): void;
  /** Ends every connection and takes no more, until it is `back`. */
  leave(): Promise<void>;
  back(): Promise<void>;
}

/** Starts one on a free port. */
export async function startFakeGate(answers: Record<string, unknown>): Promise<FakeGate> {
  const files = readPageFiles();
  const effects: FakeGate['effects'] = {};
  const told: Asked[] = [];
  const streams = new Set<http.ServerResponse>();
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://gate');
    const file = files.get(pathname);
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (file !== undefined)
      return response
        .writeHead(200, { 'content-type': file.type, 'content-security-policy': PAGE_POLICY })
        .end(file.body);
    if (pathname === '/v1/decisions/live') {
      streams.add(response.writeHead(200, { 'content-type': 'text/event-stream' }));
      response.on('close', () => streams.delete(response));
      return response.write(':\n\n');
    }
    if (request.method !== 'POST')
      return pathname in answers ? json(200, answers[pathname]) : json(404, { message: `no ${pathname}` });
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Record<string, unknown>;
    told.push({ path: pathname, body, authorization: request.headers.authorization });
    const effect = effects[pathname];
    return effect === undefined ? json(404, { message: `no ${pathname}` }) : json(200, await effect(body));
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  const leave = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    answers,
    effects,
    told,
    decide: (decision) => {
      for (const stream of streams)
        stream.write(`id: ${decision.id}\nevent: decision\ndata: ${JSON.stringify(decision)}\n\n`);
    },
    leave,
    back: () => listen(port),
    [Symbol.asyncDispose]: leave,
  };
}
