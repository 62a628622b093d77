/** A service as a hook: a real HTTP server that checks what it is sent. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { createHttpHook } from '../../../src/migration/hook/http.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { COMPLAINT, FACTS, failureOf, hookContract, Told } from '../hook-contract.ts';

const SECRET = 'correct horse battery staple';
const POLL = 5;

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** What the service does with a request; undefined: it breaks the connection. */
type Reply =
  | {
      readonly status?: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: Record<string, string>;
    }
  | undefined;

class Service implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #reply: (seen: Seen, count: number) => Reply;

  constructor(reply: (seen: Seen, count: number) => Reply) {
    this.#reply = reply;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/upgrade`;
  }

  hook(options: { secret?: string } = {}) {
    return createHttpHook({ url: this.url, clock: realClock, poll: POLL, ...options });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const seen = { method, url, headers, body: await text(request) };
    this.seen.push(seen);
    const reply = this.#reply(seen, this.seen.length);
    if (reply === undefined) return void request.socket.destroy();
    response.writeHead(reply.status ?? 200, reply.headers);
    response.end(reply.text ?? JSON.stringify(reply.json));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const serving = (reply: (seen: Seen, count: number) => Reply) => new Service(reply).start();
const DONE = { json: { state: 'done', level: 28 } };

hookContract('an HTTP service', async ({ does }) => {
  const service = await serving(({ method }) => {
    if (does === 'fails') return { json: { state: 'failed', error: COMPLAINT } };
    if (does === 'hangs') return { json: { state: 'running', progress: '40%' } };
    return method === 'POST' ? { json: { state: 'running', progress: 0.5 } } : DONE;
  });
  return {
    hook: service.hook(),
    begun: () => service.seen.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body)),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
});

describe('the requests', () => {
  test('one POST with the facts, then GET under the key until it is done', async () => {
    await using service = await serving((_seen, count) =>
      count < 4 ? { json: { state: 'running', progress: `${count}/4 tables` } } : DONE,
    );
    const told = new Told();
    expect(await service.hook().run(FACTS, told)).toEqual({ level: 28 });
    const asked = `GET /upgrade?key=${encodeURIComponent(FACTS.key)}`;
    expect(service.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /upgrade',
      asked,
      asked,
      asked,
    ]);
    expect(JSON.parse(service.seen[0]?.body ?? '')).toEqual(FACTS);
    expect(service.seen[0]?.headers['content-type']).toBe('application/json');
    expect(told.heard).toEqual([
      { done: 0.25, text: 'tables' },
      { done: 0.5, text: 'tables' },
      { done: 0.75, text: 'tables' },
    ]);
  });

  test('a service that is done at once is not asked again', async () => {
    await using service = await serving(() => ({ json: { state: 'done' } }));
    expect(await service.hook().run(FACTS, new Told())).toEqual({ level: null });
    expect(service.seen).toHaveLength(1);
  });

  test('a service that names a location is asked there', async () => {
    await using service = await serving(({ method }) =>
      method === 'POST' ? { status: 202, json: { state: 'running', location: '/jobs/17' } } : DONE,
    );
    await service.hook().run(FACTS, new Told());
    expect(service.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /upgrade',
      'GET /jobs/17',
    ]);
  });

  test('each is signed with the shared secret, over its own time, method, address and body', async () => {
    await using service = await serving((_seen, count) =>
      count < 3 ? { json: { state: 'running' } } : DONE,
    );
    const before = Date.now();
    await service.hook({ secret: SECRET }).run(FACTS, new Told());
    expect(service.seen).toHaveLength(3);
    for (const seen of service.seen) {
      const { headers, body } = seen;
      const timestamp = String(headers['x-skewgate-timestamp']);
      expect(Math.abs(Number(timestamp) - before)).toBeLessThan(60_000);
      expect(isSigned(seen, SECRET)).toBe(true);
      expect(isSigned(seen, 'another secret')).toBe(false);
      // A question that somebody overheard is not one about another key, nor a request to run something.
      for (const other of [{ body: `${body} ` }, { url: '/upgrade?key=another' }, { method: 'PUT' }])
        expect(isSigned({ ...seen, ...other }, SECRET)).toBe(false);
      expect(JSON.stringify(headers)).not.toContain(SECRET);
    }
  });

  test('a location with a query of its own is signed as it is asked for', async () => {
    const location = '/jobs/17?of=a%20b&and=%C3%A9#part';
    await using service = await serving(({ method }) =>
      method === 'POST' ? { json: { state: 'running', location } } : DONE,
    );
    await service.hook({ secret: SECRET }).run(FACTS, new Told());
    expect(service.seen.map(({ url }) => url)).toEqual(['/upgrade', '/jobs/17?of=a%20b&and=%C3%A9']);
    for (const seen of service.seen) expect(isSigned(seen, SECRET)).toBe(true);
  });

  test('without a secret nothing is signed', async () => {
    await using service = await serving(() => DONE);
    await service.hook().run(FACTS, new Told());
    expect(service.seen[0]?.headers['x-skewgate-signature']).toBeUndefined();
  });
});

describe('requests that get lost', () => {
  test('the POST is sent again under the same key, and the step goes on', async () => {
    await using service = await serving((_seen, count) => (count < 3 ? undefined : DONE));
    expect(await service.hook().run(FACTS, new Told())).toEqual({ level: 28 });
    expect(service.seen.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST']);
    expect(new Set(service.seen.map(({ body }) => JSON.parse(body).key))).toEqual(new Set([FACTS.key]));
  });

  test('once it was taken, it is not sent again: only the question is', async () => {
    await using service = await serving((_seen, count) => {
      if (count === 1) return { json: { state: 'running' } };
      return count < 4 ? { status: 503, text: 'restarting' } : DONE;
    });
    await service.hook().run(FACTS, new Told());
    expect(service.seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'GET']);
  });

  test('after many in a row the step fails, and says what the service said last', async () => {
    await using service = await serving(() => ({ status: 500, text: 'database is down' }));
    const { message } = await failureOf(service.hook().run(FACTS, new Told()));
    expect(message).toMatch(/answered 500: database is down/);
    expect(service.seen.length).toBeGreaterThan(2);
    expect(service.seen.length).toBeLessThan(20);
  });

  test('a service that is not there: the failure names it, and why', async () => {
    const service = await serving(() => DONE);
    const hook = service.hook();
    const { url } = service;
    await service[Symbol.asyncDispose]();
    const { message } = await failureOf(hook.run(FACTS, new Told()));
    expect(message).toContain(url);
    expect(message).toContain('ECONNREFUSED');
  });
});

describe('answers that are none', () => {
  test('a redirect is not followed: the facts go nowhere else', async () => {
    await using elsewhere = await serving(() => DONE);
    for (const status of [301, 302, 307, 308]) {
      await using service = await serving(() => ({ status, text: '', headers: { location: elsewhere.url } }));
      const { message } = await failureOf(service.hook({ secret: SECRET }).run(FACTS, new Told()));
      expect(message).toContain(`answered ${status}`);
      expect(service.seen).toHaveLength(1);
    }
    expect(elsewhere.seen).toEqual([]);
  });

  test.each([400, 401, 404, 409, 422])(
    '%i is a failure at once, with what the service says',
    async (status) => {
      await using service = await serving(() => ({ status, text: 'token 7 is stale' }));
      const { message } = await failureOf(service.hook().run(FACTS, new Told()));
      expect(message).toContain(`answered ${status}: token 7 is stale`);
      expect(service.seen).toHaveLength(1);
    },
  );

  test.each([
    ['no JSON', 'ok'],
    ['nothing', ''],
    ['another object', '{"status":"done"}'],
    ['an unknown state', '{"state":"finished"}'],
    ['a level that is no number', '{"state":"done","level":"28"}'],
    ['progress beyond the end', '{"state":"running","progress":40}'],
    ['a page', '<html>It works!</html>'],
  ])('%s is not taken for done', async (_what, answer) => {
    await using service = await serving(() => ({ text: answer }));
    const { message } = await failureOf(service.hook().run(FACTS, new Told()));
    expect(message).toContain('did not answer with {"state": "running" | "done" | "failed", …}');
    expect(service.seen).toHaveLength(1);
  });

  test('a failure without a reason still says who failed', async () => {
    await using service = await serving(() => ({ json: { state: 'failed' } }));
    expect((await failureOf(service.hook().run(FACTS, new Told()))).message).toContain(service.url);
  });

  test('an answer without end is not read to its end', async () => {
    const endless = createServer((_request, response) => {
      const more = () => {
        while (response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}/`;
    const hook = createHttpHook({ url, clock: realClock, poll: POLL });
    const { message } = await failureOf(hook.run(FACTS, new Told()));
    expect(message).toContain('did not answer with');
    expect(message.length).toBeLessThan(500);
    endless.closeAllConnections();
    await new Promise((resolve) => endless.close(resolve));
  });
});

function isSigned({ method, url, headers, body }: Seen, secret: string): boolean {
  const timestamp = String(headers['x-skewgate-timestamp']);
  const signed = `${timestamp}.${method}.${url}.${body}`;
  const expected = `sha256=${createHmac('sha256', secret).update(signed).digest('hex')}`;
  const given = Buffer.from(String(headers['x-skewgate-signature']));
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected));
}
