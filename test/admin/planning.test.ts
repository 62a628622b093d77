/** `/v1/next`, `/v1/what-if` and `/v1/clients` of a gate: what planning says of the fleet as it is. */
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../support/until.ts';
import { type AdministeredGate, startWithAdmin } from './support.ts';

const HELD = { trigger: { approval: true }, baseline: '4.14.0', hook: { command: ['true'] } };

async function admit(gate: AdministeredGate, version: string, name: string): Promise<void> {
  const session = await gate.fleet.admit(version, { query: `name=${name}` });
  session.on('error', () => {});
  onTestFinished(() => void session.destroy());
}

test('what blocks the next step follows what servers, clients and operators do, until it is taken', async () => {
  await using gate = await startWithAdmin({
    servers: [{ version: '4.15.0' }, { version: '4.14.1' }],
    migration: HELD,
    timeouts: { probe: '50ms' },
  });
  const { fleet } = gate;
  const kinds = async () => {
    const { body } = await gate.get('/v1/next');
    expect(body.to).toBe('4.15');
    return body.blockers.map(({ kind }: { kind: string }) => kind);
  };
  await admit(gate, '4.13.0', 'batch');
  expect(await kinds()).toEqual(['server-behind', 'approval-missing']);
  await fleet.gate.operations.pause({ by: 'ann', reason: 'deploy' });
  expect(await kinds()).toEqual(['server-behind', 'paused', 'approval-missing']);
  await fleet.gate.operations.resume({ by: 'ann', reason: '' });
  await gate.post('/v1/migration/approve', { reason: 'go' });
  expect(await kinds()).toEqual(['server-behind']);
  await fleet.servers[1]?.restart({ version: '4.15.0' });
  await until(fleet.cluster.changes, () => fleet.cluster.servers[1]?.version?.minor === 15, 's2 on 4.15');
  const ready = (await gate.get('/v1/next')).body;
  expect(ready).toMatchObject({
    to: '4.15',
    ready: true,
    blockers: [],
    upgrade: { fromLevel: 28, toLevel: 29 },
  });
  expect(ready.sentence).toBe(
    '4.15 is next. One upgrade will run, level 28 to 29, brought by the first 4.15 client; nothing is in the way.',
  );
  await admit(gate, '4.15.0', 'web');
  expect((await gate.get('/v1/next')).body).toMatchObject({
    to: '4.16',
    refuses: [{ line: '4.13', sessions: 1, rule: 'M2', clients: [{ name: 'batch' }] }],
  });
});

test('a release that an operator drains is draining in the census', async () => {
  await using gate = await startWithAdmin({ servers: [{ version: '4.14.0' }] });
  await admit(gate, '4.13.0', 'batch');
  const line = async () =>
    (await gate.get('/v1/clients')).body.lines.find((one: { line: string }) => one.line === '4.13');
  expect(await line()).toMatchObject({
    status: 'current',
    sessions: 1,
    who: ['batch'],
    verdictNow: 'permit',
  });
  await gate.post('/v1/drain', { clients: '<4.14', over: 'never', reason: 'too old' });
  expect(await line()).toMatchObject({
    status: 'draining',
    sessions: 1,
    verdictNow: 'refuse',
    codeNow: 'RELEASE_DRAINED',
  });
});

test('a question that makes no sense is answered with what is wrong', async () => {
  await using gate = await startWithAdmin({ servers: [{ version: '4.14.0' }] });
  for (const [path, message] of [
    ['/v1/next?to=4.16.0', 'is not a release line'],
    ['/v1/what-if?servers=4.16', 'not the 3 of major.minor.patch'],
    ['/v1/what-if?server=rs9%3D4.16.0', 'rs9 is none of the servers'],
    ['/v1/what-if?server=rs9', 'is not of the form rs2=4.16.0'],
  ] as const) {
    const { status, body } = await gate.get(path);
    expect([status, body.message]).toEqual([400, expect.stringContaining(message)]);
  }
});
