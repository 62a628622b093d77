/** `/v1/decisions`: what was decided lately, a page at a time and as it happens. */
import { once } from 'node:events';
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type AdministeredGate, startWithAdmin } from './support.ts';

interface StreamEvent {
  readonly id?: string;
  readonly event?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects of the data.
  readonly data: any;
}

/** Opens a stream of events. The headers are there once it resolves. */
async function follow(
  gate: AdministeredGate,
  path = '/v1/decisions/live',
  headers: Record<string, string> = {},
) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const answer = await fetch(gate.admin.address + path, { headers, signal: stop.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    answer,
    end: () => stop.abort(),
    /** The next event; comments are passed over. */
    async next(): Promise<StreamEvent> {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const lines = text
            .slice(0, end)
            .split('\n')
            .map((line) => line.split(/: (.*)/s));
          text = text.slice(end + 2);
          const fields = Object.fromEntries(lines.map(([name, value = '']) => [name, value]));
          if (fields.data !== undefined) return { ...fields, data: JSON.parse(fields.data) };
          continue;
        }
        const { value, done } = (await reader?.read()) ?? { done: true };
        if (done) throw new Error('the stream ended');
        text += value;
      }
    },
  };
}

test('decisions are there with their trace, newest first, each on one page, and filters let through what they name', async () => {
  await using gate = await startWithAdmin();
  for (const version of ['4.13.0', '4.14.0', '4.12.1']) (await gate.fleet.admit(version)).destroy();
  await gate.fleet.refuse('4.15.0');
  const { body } = await gate.get('/v1/decisions?limit=3');
  expect(body.decisions.map(({ client }: { client: string }) => client)).toEqual([
    '4.15.0',
    '4.12.1',
    '4.14.0',
  ]);
  const rest = await gate.get(`/v1/decisions?limit=3&cursor=${body.next}`);
  expect(rest.body.decisions.map(({ client }: { client: string }) => client)).toEqual(['4.13.0']);
  expect(rest.body.next).toBeNull();
  const [refused] = body.decisions;
  expect(refused).toMatchObject({
    verdict: 'refuse',
    code: 'SERVER_OUTDATED',
    rule: 'M1',
    session: null,
    move: { side: 'server', to: '4.15', who: ['s1'] },
    policyHash: gate.fleet.built.settings.policyHash,
  });
  expect(refused.trace).toContainEqual(expect.objectContaining({ rule: 'M1', outcome: 'fail' }));
  const clientsFor = async (query: string) =>
    (await gate.get(`/v1/decisions?${query}`)).body.decisions.map(({ client }: { client: string }) => client);
  expect(await clientsFor('verdict=refuse')).toEqual(['4.15.0']);
  expect(await clientsFor('client=4.12')).toEqual(['4.12.1']);
  expect(await clientsFor('code=SERVER_OUTDATED&server=s1')).toEqual([]);
  expect((await gate.get('/v1/decisions?cursor=4')).body).toMatchObject({
    error: 'INVALID',
    field: 'cursor',
  });
});

test('refusals are counted by reason and by who has to move', async () => {
  await using gate = await startWithAdmin();
  for (let times = 0; times < 3; times++) await gate.fleet.refuse('4.15.0');
  await gate.fleet.refuse('4.11.0');
  (await gate.fleet.admit('4.14.0')).destroy();
  const { body } = await gate.get('/v1/refusals');
  expect(body.refusals).toEqual([
    expect.objectContaining({
      code: 'SERVER_OUTDATED',
      side: 'server',
      to: '4.15',
      who: ['s1'],
      line: '4.15',
      count: 3,
    }),
    expect.objectContaining({ code: 'CLIENT_OUTDATED', side: 'client', line: '4.11', count: 1 }),
  ]);
});

test('a reader hears of decisions as they are made, and after a break of what it missed, once each', async () => {
  await using gate = await startWithAdmin();
  (await gate.fleet.admit('4.13.0')).destroy();
  const first = await follow(gate);
  expect(first.answer.headers.get('content-type')).toBe('text/event-stream');
  expect((await first.next()).data.client).toBe('4.13.0');
  (await gate.fleet.admit('4.13.1')).destroy();
  const heard = await first.next();
  expect(heard).toMatchObject({
    event: 'decision',
    id: heard.data.id,
    data: { client: '4.13.1', verdict: 'permit' },
  });
  first.end();
  await gate.fleet.refuse('4.15.0');
  (await gate.fleet.admit('4.14.0')).destroy();
  const second = await follow(gate, '/v1/decisions/live', { 'last-event-id': heard.id as string });
  expect((await second.next()).data.client).toBe('4.15.0');
  expect((await second.next()).data.client).toBe('4.14.0');
});

test('a stream has the filters of the list, and is what the list is to who accepts one', async () => {
  await using gate = await startWithAdmin();
  const stream = await follow(gate, '/v1/decisions?verdict=refuse', { accept: 'text/event-stream' });
  (await gate.fleet.admit('4.13.0')).destroy();
  await gate.fleet.refuse('4.15.0');
  expect((await stream.next()).data).toMatchObject({ verdict: 'refuse', client: '4.15.0' });
});

test('a reader that comes back to another process, or says nonsense, gets what there is', async () => {
  await using gate = await startWithAdmin();
  (await gate.fleet.admit('4.13.0')).destroy();
  for (const id of ['other-7', 'nonsense', '', '-1', '1e99']) {
    const stream = await follow(gate, '/v1/decisions/live', { 'last-event-id': id });
    expect((await stream.next()).data.client).toBe('4.13.0');
    stream.end();
  }
});

test('a reader that was too slow is told how much it missed, and goes on with what is kept', async () => {
  await using gate = await startWithAdmin();
  await gate.fleet.refuse('4.15.0');
  const [made] = [...gate.recent.decisions.backwards()];
  for (let times = 0; times < 2_500; times++)
    gate.recent.emit((made as NonNullable<typeof made>).value.event);
  const stream = await follow(gate, '/v1/decisions/live', { 'last-event-id': `${gate.recent.epoch}-1` });
  expect(await stream.next()).toMatchObject({ event: 'lost', data: { lost: 500 } });
  expect((await stream.next()).id).toBe(`${gate.recent.epoch}-502`);
});

test('a reader that takes nothing holds no more than its socket does, and the others hear all the same', async () => {
  await using gate = await startWithAdmin();
  await gate.fleet.refuse('4.15.0');
  const [made] = [...gate.recent.decisions.backwards()];
  const { hostname, port } = new URL(gate.admin.address);
  const idle = net.connect({ host: hostname, port: Number(port) });
  await once(idle, 'connect');
  idle.pause();
  idle.write('GET /v1/decisions/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const reader = await follow(gate);
  await reader.next();
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
  for (let times = 0; times < 20_000; times++) {
    gate.recent.emit((made as NonNullable<typeof made>).value.event);
    if (times % 100 === 0) await reader.next();
  }
  const { arrayBuffers, external } = process.memoryUsage();
  expect(arrayBuffers + external - before).toBeLessThan(32 * 1_048_576);
  expect((await reader.next()).event).toMatch(/decision|lost/);
  idle.destroy();
});

test('there is an end to how many may listen at once; who leaves makes room, and the gate answers meanwhile', async () => {
  await using gate = await startWithAdmin();
  const streams = await Promise.all(Array.from({ length: 64 }, () => follow(gate)));
  expect(streams.map(({ answer }) => answer.status)).toEqual(streams.map(() => 200));
  const { status, body } = await gate.get('/v1/decisions/live');
  expect([status, body.error]).toEqual([503, 'TOO_MANY_READERS']);
  expect((await gate.get('/live')).status).toBe(200);
  for (const stream of streams) stream.end();
  const limit = AbortSignal.timeout(5_000);
  let again = await follow(gate);
  while (again.answer.status !== 200 && !limit.aborted) again = await follow(gate);
  expect(again.answer.status).toBe(200);
});
