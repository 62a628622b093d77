/** `/v1/waiting`: who is held, for how long, and for what. */
import { expect, test } from 'vitest';
import { startWithAdmin } from './support.ts';

test('a client that a pause holds is listed with what it waits for, and no longer once it is admitted', async () => {
  await using gate = await startWithAdmin({ servers: [{ version: '4.14.0' }] });
  const { fleet } = gate;
  expect((await gate.get('/v1/waiting')).body).toEqual({ waiting: [] });
  await fleet.gate.operations.pause({ by: 'ann', reason: 'maintenance' });
  const before = Date.now();
  let tell = () => {};
  const held = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const coming = fleet.connect('4.13.2', { onWait: () => tell() });
  await held;
  const { waiting } = (await gate.get('/v1/waiting')).body;
  expect(waiting).toMatchObject([{ client: '4.13.2', code: 'PAUSED' }]);
  expect(waiting[0].message).toContain('maintenance');
  expect(waiting[0].peer).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(Date.parse(waiting[0].since)).toBeGreaterThan(before - 1_000);
  await fleet.gate.operations.resume({ by: 'ann', reason: '' });
  await coming;
  expect((await gate.get('/v1/waiting')).body).toEqual({ waiting: [] });
});

test('a client that leaves while it waits is no longer listed', async () => {
  await using gate = await startWithAdmin({ servers: [{ version: '4.14.0' }] });
  const { fleet } = gate;
  await fleet.gate.operations.pause({ by: 'ann', reason: '' });
  const leave = new AbortController();
  let tell = () => {};
  const held = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const coming = fleet.connect('4.13.2', { onWait: () => tell(), signal: leave.signal }).catch(() => 'left');
  await held;
  expect((await gate.get('/v1/waiting')).body.waiting).toHaveLength(1);
  leave.abort();
  expect(await coming).toBe('left');
  await fleet.idle();
  expect((await gate.get('/v1/waiting')).body.waiting).toEqual([]);
});
