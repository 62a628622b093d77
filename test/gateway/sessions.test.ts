/** The list of sessions: who is connected to what, and ending some of them. */
import { expect, test } from 'vitest';
import { virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';

test('sessions are listed as they were at that moment, oldest first', async () => {
  const world = virtualEnvironment();
  await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
  const { sessions } = fleet.gate;
  expect(sessions.list()).toEqual([]);
  const first = await fleet.admit('4.13.0');
  const since = world.clock.now();
  await world.clock.run(5_000);
  const second = await fleet.admit('4.14.0');
  first.write('12345');
  await world.clock.run(100);
  const listed = sessions.list();
  expect(listed).toMatchObject([
    {
      session: first.id,
      client: '4.13.0',
      driver: expect.stringContaining('skewgate'),
      server: 's1',
      listener: fleet.address(),
      peer: expect.any(String),
      bytesFromClient: 5,
      bytesFromServer: 5,
    },
    { session: second.id, client: '4.14.0', bytesFromClient: 0 },
  ]);
  expect(since - (listed[0]?.since ?? 0)).toBeLessThan(100);
  expect(JSON.parse(JSON.stringify(listed))).toEqual(listed);
  first.write('678');
  await world.clock.run(100);
  expect(listed[0]?.bytesFromClient).toBe(5);
  expect(sessions.list()[0]?.bytesFromClient).toBe(8);
  first.destroy();
  second.destroy();
});

test('those that are picked end, with the reason on record; the others go on', async () => {
  const world = virtualEnvironment();
  await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
  const [old, young] = [await fleet.admit('4.13.0'), await fleet.admit('4.14.0')];
  for (const session of [old, young]) session.resume();
  const closed = fleet.gate.sessions.closeWhere(({ client }) =>
    client === '4.13.0' ? { reason: 'kicked', code: 'KICKED', message: 'Go.' } : null,
  );
  expect(closed).toBe(1);
  await world.clock.run(100);
  expect(fleet.log.of('session-end')).toMatchObject([
    { session: old.id, reason: 'kicked', code: 'KICKED', message: 'Go.', error: null },
  ]);
  expect(fleet.gate.sessions.list().map(({ session }) => session)).toEqual([young.id]);
  expect(fleet.gate.status()).toMatchObject({ sessions: 1, slots: 1 });
  young.destroy();
});
