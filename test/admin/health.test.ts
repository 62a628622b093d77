/** `/live` and `/ready`: what restarts a gate, and what sends clients to it. */
import { expect, test } from 'vitest';
import { MemoryStore } from '../../src/migration/ledger/memory.ts';
import { LedgerUnavailable } from '../../src/migration/ledger/store.ts';
import { realEnvironment } from '../support/environment.ts';
import { until } from '../support/until.ts';
import { startWithAdmin } from './support.ts';

test('a gate that starts is live and not ready, and ready once it serves', async () => {
  await using gate = await startWithAdmin({}, { start: false });
  expect((await gate.get('/live')).body).toEqual({ live: true });
  const { status, body } = await gate.get('/ready');
  expect([status, body.ready, body.state]).toEqual([503, false, 'starting']);
  expect(body.reasons).toContain('the gate is starting');
  await gate.fleet.gate.start();
  expect((await gate.get('/ready')).body).toEqual({ ready: true, state: 'serving', reasons: [] });
});

test('a gate without a usable server is not ready, and is live all the same', async () => {
  await using gate = await startWithAdmin({ timeouts: { probe: '50ms' } });
  await gate.fleet.server(0).stop();
  const { cluster } = gate.fleet;
  await until(cluster.changes, () => cluster.servers[0]?.state === 'down', 'the server is down');
  expect((await gate.get('/ready')).body.reasons).toEqual(['no server is usable']);
  expect((await gate.get('/live')).status).toBe(200);
});

test('a gate that can not read its ledger is not ready, and says why', async () => {
  const store = new MemoryStore(realEnvironment.clock);
  await using gate = await startWithAdmin({ store });
  store.read = async () => {
    throw new LedgerUnavailable('the disk is gone');
  };
  const { migration } = gate.fleet.built;
  await until(
    migration.changes,
    () => migration.standing?.kind === 'unavailable',
    'the ledger is out of reach',
  );
  const { status, body } = await gate.get('/ready');
  expect([status, body.reasons]).toEqual([503, ['the ledger can not be read: the disk is gone']]);
});

test('a gate that is about to stop is not ready, and still takes clients', async () => {
  await using gate = await startWithAdmin();
  gate.fleet.gate.leave();
  const { status, body } = await gate.get('/ready');
  expect([status, body.reasons]).toEqual([503, ['the gate is about to stop']]);
  await using session = await gate.fleet.admit('4.14.0');
  expect(session.id).not.toBe('');
});

test('a gate that is paused is ready: clients that wait for it are not to go elsewhere', async () => {
  await using gate = await startWithAdmin();
  await gate.post('/v1/pause', { reason: 'a test' });
  expect((await gate.get('/ready')).body).toEqual({ ready: true, state: 'paused', reasons: [] });
});
