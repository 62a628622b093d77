/** What an operator does over the API: previewed, done, and on record with who and why. */
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { startWithAdmin } from './support.ts';

const WHO = { by: 'alice', reason: 'a test' };

test('a pause is previewed, holds new clients, ends with resume, and is on record with who and why', async () => {
  await using gate = await startWithAdmin();
  const preview = await gate.post('/v1/pause', { ...WHO, for: '10m', dryRun: true });
  expect(preview.body).toMatchObject({
    what: 'pause',
    dryRun: true,
    done: false,
    waitsFor: null,
    sessions: 0,
  });
  expect(gate.fleet.gate.lifecycle.state).toBe('serving');
  const { body } = await gate.post('/v1/pause', { ...WHO, for: '10m' });
  expect(body).toMatchObject({ dryRun: false, done: true, sentence: preview.body.sentence });
  const { orders } = (await gate.get('/v1/orders')).body;
  expect(orders).toEqual([
    expect.objectContaining({
      id: body.details.order,
      what: 'pause',
      target: { kind: 'gate', name: null },
      ...WHO,
    }),
  ]);
  expect(Date.parse(orders[0].until) - Date.parse(orders[0].at)).toBe(600_000);
  const client = gate.fleet.connect('4.14.0');
  await gate.post('/v1/resume', WHO);
  (await client).destroy();
  expect((await gate.get('/v1/orders')).body.orders).toEqual([]);
  expect(gate.fleet.log.of('operator', WHO).map(({ what, stage }) => [what, stage])).toEqual([
    ['pause', 'done'],
    ['resume', 'done'],
  ]);
  const acts = (await gate.get('/v1/audit')).body.acts;
  expect(acts.map(({ what, by, reason }: Record<string, string>) => [what, by, reason])).toEqual([
    ['resume', 'alice', 'a test'],
    ['pause', 'alice', 'a test'],
  ]);
});

test('a range of client releases is drained: its sessions end, new ones are refused, and undrain takes it back', async () => {
  await using gate = await startWithAdmin();
  const old = await gate.fleet.admit('4.12.0');
  const young = await gate.fleet.admit('4.14.0');
  old.on('error', () => {});
  const about = { clients: '<4.13', ...WHO };
  const preview = await gate.post('/v1/drain', { ...about, over: '100ms', dryRun: true });
  expect(preview.body).toMatchObject({
    dryRun: true,
    done: false,
    sessions: 1,
    details: { clients: { '4.12.0': 1 } },
  });
  expect(gate.fleet.gate.status().sessions).toBe(2);
  const { body } = await gate.post('/v1/drain', { ...about, over: '100ms' });
  expect(body).toMatchObject({ done: true, waitsFor: null, sessions: 1, details: { left: 0 } });
  expect(gate.fleet.gate.status().sessions).toBe(1);
  await gate.fleet.refuse('4.12.0');
  await gate.post('/v1/undrain', { clients: '<4.13', ...WHO });
  (await gate.fleet.admit('4.12.0')).destroy();
  young.destroy();
});

test('a drain that leaves sessions alone says what it waits for', async () => {
  await using gate = await startWithAdmin();
  const session = await gate.fleet.admit('4.14.0');
  const { status, body } = await gate.post('/v1/drain', { server: 's1', over: 'never', ...WHO });
  expect([status, body.done, body.waitsFor]).toEqual([200, false, '1 session to end']);
  session.destroy();
  const { sessions } = gate.fleet.gate;
  const limit = AbortSignal.timeout(5_000);
  while (sessions.count > 0 && !limit.aborted) await new Promise(setImmediate);
  expect((await gate.get('/v1/orders')).body.orders).toEqual([
    expect.objectContaining({ sessions: 1, left: 0 }),
  ]);
});

test('a session is closed by its id, and one that is not there is said so', async () => {
  await using gate = await startWithAdmin();
  const session = await gate.fleet.admit('4.14.0');
  session.on('error', () => {});
  const preview = await gate.post('/v1/kick', { session: session.id, ...WHO, dryRun: true });
  expect(preview.body).toMatchObject({ dryRun: true, sessions: 1, details: { clients: { '4.14.0': 1 } } });
  expect(gate.fleet.gate.status().sessions).toBe(1);
  const { body } = await gate.post('/v1/kick', { session: session.id, ...WHO });
  expect([body.done, gate.fleet.gate.status().sessions]).toEqual([true, 0]);
  const gone = await gate.post('/v1/kick', { session: session.id, ...WHO });
  expect([gone.status, gone.body.error]).toEqual([404, 'NOT_FOUND']);
  expect(gone.body.message).toContain(session.id);
});

test('acts on the upgrade are previewed, written to the ledger, heeded at once, and in the audit', async () => {
  await using gate = await startWithAdmin();
  const { ledger } = gate.fleet.built.migration;
  const preview = await gate.post('/v1/migration/block', { ...WHO, for: '2h', dryRun: true });
  expect(preview.body).toMatchObject({ what: 'block', dryRun: true, done: false });
  expect(preview.body.sentence).toMatch(/^No upgrade begins for 2 h, until /);
  expect((await ledger?.history()) ?? []).toEqual([]);
  const { body } = await gate.post('/v1/migration/block', { ...WHO, for: '2h' });
  expect(body).toMatchObject({ done: true, waitsFor: null });
  const blocked = (await gate.get('/v1/upgrade')).body;
  expect(blocked).toMatchObject({ state: 'blocked', blocks: [{ by: 'alice', reason: 'a test' }] });
  const lasts = Date.parse(blocked.blocks[0].until) - Date.parse(blocked.blocks[0].at);
  expect(Math.round(lasts / 60_000)).toBe(120);
  const other = await gate.post('/v1/migration/unblock', { ...WHO, of: 'bob' });
  expect(other.body.sentence).toBe('Nothing to do: no block of bob was in force.');
  await gate.post('/v1/migration/unblock', WHO);
  await gate.post('/v1/migration/approve', { by: 'bob', reason: 'checked' });
  expect((await gate.get('/v1/upgrade')).body).toMatchObject({ blocks: [], approvedBy: 'bob' });
  for (const what of ['retry', 'abort', 'accept-ledger'])
    expect((await gate.post(`/v1/migration/${what}`, WHO)).body.sentence).toMatch(/^Nothing to do: /);
  const { acts } = (await gate.get('/v1/audit')).body;
  expect(acts.map(({ what }: { what: string }) => what)).toEqual(
    expect.arrayContaining([
      'migration approved',
      'migration unblocked',
      'migration blocked',
      'migration aborted',
    ]),
  );
  const { history } = (await gate.get('/v1/upgrade/history')).body;
  expect(history).toContainEqual(expect.objectContaining({ what: 'approved', by: 'bob', reason: 'checked' }));
});

test('an abort returns once the upgrade has stopped', async () => {
  await using gate = await startWithAdmin({
    servers: [{ version: '4.14.0' }],
    migration: { ledger: 'memory:', baseline: '4.13.0', hook: { command: ['sleep', '60'], timeout: '1m' } },
  });
  const client = gate.fleet.connect('4.14.0').catch((error) => error);
  const { migration } = gate.fleet.built;
  const claim = () => migration.standing?.view?.record.claim ?? null;
  await until(migration.changes, () => claim() !== null, 'the upgrade runs');
  expect((await gate.get('/v1/upgrade')).body).toMatchObject({
    state: 'running',
    step: 1,
    steps: 1,
    attempt: 1,
  });
  const { body } = await gate.post('/v1/migration/abort', WHO);
  expect(body).toMatchObject({ done: true, waitsFor: null });
  expect(claim()).toBeNull();
  expect((await gate.get('/v1/upgrade')).body).toMatchObject({ state: 'failed', holder: null });
  await gate.fleet.gate.stop(0);
  await client;
});

test.each([
  ['/v1/pause', { for: 'a while' }, 400, 'for'],
  ['/v1/pause', { reason: 7 }, 400, 'reason'],
  ['/v1/pause', { reasn: 'misspelt' }, 400, undefined],
  ['/v1/drain', { server: 's1', clients: '<4.13' }, 400, undefined],
  ['/v1/drain', { server: 's9' }, 404, undefined],
  ['/v1/drain', { listener: 'tcp://nowhere:1' }, 404, undefined],
  ['/v1/drain', { clients: 'old ones' }, 409, undefined],
  ['/v1/kick', {}, 400, 'session'],
  ['/v1/migration/block', {}, 400, 'reason'],
  ['/v1/reload', {}, 409, undefined],
  ['/v1/pause', { allGates: true }, 409, undefined],
])('%s with %j is refused with a reason, and changes nothing', async (route, body, status, field) => {
  await using gate = await startWithAdmin();
  const before = gate.fleet.gate.status();
  const answer = await gate.post(route, body);
  expect([answer.status, answer.body.field]).toEqual([status, field]);
  expect(answer.body.error).toMatch(/^[A-Z_]+$/);
  expect(answer.body.message).not.toBe('');
  expect(gate.fleet.gate.status()).toEqual(before);
  expect([...gate.recent.acts.backwards()]).toEqual([]);
  expect((await gate.get('/v1/orders')).body.orders).toEqual([]);
});
