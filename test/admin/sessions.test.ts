/** `/v1/cluster`, `/v1/servers` and `/v1/sessions`: what a gate shows of itself. */
import { expect, test } from 'vitest';
import type { AdministeredGate } from './support.ts';
import { startWithAdmin } from './support.ts';

/** All pages of a query, in order. */
async function pagesOf(gate: AdministeredGate, query: string): Promise<Record<string, unknown>[][]> {
  const pages: Record<string, unknown>[][] = [];
  let next: string | null = null;
  do {
    const cursor: string = next === null ? '' : `&cursor=${next}`;
    const { status, body } = await gate.get(`/v1/sessions?${query}${cursor}`);
    expect(status).toBe(200);
    pages.push(body.sessions);
    next = body.next;
  } while (next !== null && pages.length < 20);
  return pages;
}

test('the cluster and its servers are shown as they are', async () => {
  await using gate = await startWithAdmin({ id: 'g1', cluster: 'shop', servers: [{ version: '4.14.1' }] });
  await using _session = await gate.fleet.admit('4.14.0');
  const { body: cluster } = await gate.get('/v1/cluster');
  expect(cluster).toMatchObject({
    cluster: 'shop',
    gate: 'g1',
    state: 'serving',
    policy: 'phoenix',
    policyHash: gate.fleet.built.settings.policyHash,
    listeners: [gate.fleet.address()],
    sessions: 1,
    handshakes: 0,
  });
  const { body } = await gate.get('/v1/servers');
  expect(body.servers).toEqual([
    {
      id: 's1',
      address: gate.fleet.server(0).address,
      protocol: 'skewgate',
      state: 'up',
      version: '4.14.1',
      level: null,
      sessions: 1,
      lastError: null,
      lastProbeAt: expect.stringMatching(/^\d{4}-.*Z$/),
    },
  ]);
});

test('a session is shown with the fields that others build on', async () => {
  await using gate = await startWithAdmin();
  await using session = await gate.fleet.admit('4.14.0', { query: 'name=batch' });
  session.write('hello');
  await new Promise((resolve) => session.once('data', resolve));
  const { body } = await gate.get('/v1/sessions');
  expect(body).toMatchObject({ next: null, total: 1 });
  expect(body.sessions).toEqual([
    {
      session: session.id,
      client: '4.14.0',
      driver: expect.any(String),
      properties: { name: 'batch' },
      identity: null,
      server: 's1',
      listener: gate.fleet.address(),
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      bytesFromClient: 5,
      bytesFromServer: 5,
    },
  ]);
});

test('every session is on exactly one page, however it is sorted, also where many are alike', async () => {
  await using gate = await startWithAdmin();
  const versions = ['4.12.0', '4.14.0', '4.13.2', '4.14.0', '4.13.10', '4.12.0', '4.14.0'];
  const sessions = [];
  for (const version of versions) sessions.push(await gate.fleet.admit(version));
  const ids = sessions.map(({ id }) => id).sort();
  for (const sort of ['startedAt', '-startedAt', 'client', '-client', 'server', 'peer', '-bytesFromServer']) {
    const pages = await pagesOf(gate, `limit=3&sort=${sort}`);
    expect(pages.map((page) => page.length)).toEqual([3, 3, 1]);
    expect(
      pages
        .flat()
        .map(({ session }) => session)
        .sort(),
    ).toEqual(ids);
  }
  const sorted = (await pagesOf(gate, 'limit=2&sort=client')).flat().map(({ client }) => client);
  expect(sorted).toEqual(['4.12.0', '4.12.0', '4.13.2', '4.13.10', '4.14.0', '4.14.0', '4.14.0']);
  for (const session of sessions) session.destroy();
});

test('a filter lets through what it names, and a release line all of its releases', async () => {
  await using gate = await startWithAdmin();
  const sessions = [];
  for (const version of ['4.12.0', '4.13.2', '4.13.10-HBase-1.4'])
    sessions.push(await gate.fleet.admit(version));
  const clientsFor = async (query: string) => (await pagesOf(gate, query)).flat().map(({ client }) => client);
  expect(await clientsFor('client=4.13')).toEqual(['4.13.2', '4.13.10-HBase-1.4']);
  expect(await clientsFor('client=4.13.1')).toEqual([]);
  expect(await clientsFor('client=4.12.0')).toEqual(['4.12.0']);
  expect(await clientsFor('server=s2')).toEqual([]);
  expect(await clientsFor('peer=127.0.0.1&server=s1')).toHaveLength(3);
  for (const session of sessions) session.destroy();
});

test.each([
  ['sort=size', 'sort'],
  ['limit=0', 'limit'],
  ['limit=many', 'limit'],
  ['cursor=nonsense', 'cursor'],
  ['cursor=W10', 'cursor'],
  ['clients=4.13', undefined],
])(
  'a question that can not be meant is refused, and says which part of it is wrong: %s',
  async (query, field) => {
    await using gate = await startWithAdmin();
    const { status, body } = await gate.get(`/v1/sessions?${query}`);
    expect([status, body.error, body.field]).toEqual([400, 'INVALID', field]);
    expect(body.message).toContain(query.split('=')[0]);
  },
);
