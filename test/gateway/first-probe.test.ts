/** What is said of a server that nobody has seen yet: an operator must not have to guess why clients wait. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { realEnvironment, virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';

const NOBODY = 'tcp://127.0.0.1:1';

test('a server that never came up is on record, told to the operator, and named to the client that waited for it', async () => {
  await using fleet = await startFleet(realEnvironment, {
    others: [{ id: 'rs1', address: NOBODY }],
    timeouts: { hold: '50ms' },
  });
  expect(fleet.log.of('server')).toMatchObject([
    { server: 'rs1', state: 'down', version: null, lastError: expect.stringContaining('ECONNREFUSED') },
  ]);
  expect(fleet.said).toEqual([expect.stringMatching(/^server rs1: down: .*ECONNREFUSED/)]);
  const { code, message } = await fleet.refuse('4.14.0');
  expect(code).toBe('NO_SERVER');
  expect(message).toMatch(/ \(rs1: .*ECONNREFUSED.*\)\. Refused after a wait of/);
});

test('the first probe of each server is said, whatever it gives; later ones only where something changed', async () => {
  const world = virtualEnvironment();
  await using fleet = await startFleet(world, {
    servers: [{ version: '4.14.0' }],
    others: [{ id: 'gone', address: NOBODY }],
    timeouts: { probe: '5s' },
  });
  await world.clock.run(60_000);
  expect(
    fleet.log
      .of('server')
      .map(({ server, state }) => `${server} ${state}`)
      .sort(),
  ).toEqual(['gone down', 's1 up']);
  expect([...fleet.said].sort()).toEqual([
    expect.stringMatching(/^server gone: down: /),
    'server s1: up, version 4.14.0',
  ]);
});

test('a server that does not speak the handshake, and whose version nobody states: that is the hint', async () => {
  const redis = net.createServer((socket) => socket.on('error', () => {}).end('-ERR unknown command\r\n'));
  redis.listen(0, '127.0.0.1');
  await once(redis, 'listening');
  onTestFinished(() => void redis.close());
  await using fleet = await startFleet(realEnvironment, {
    others: [{ id: 'redis', address: `tcp://127.0.0.1:${(redis.address() as AddressInfo).port}` }],
  });
  expect(fleet.said).toEqual([expect.stringMatching(/^server redis: down: .*needs a stated version\)$/)]);
});
