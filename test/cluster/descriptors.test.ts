/** Out of file descriptors, the gate can't dial: its own trouble, which is not held against a server. */
import { expect, test } from 'vitest';
import type { Transport } from '../../src/ports/transport.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';

/** A world whose dials fail as they do without a descriptor, while `state.out`. */
function start() {
  const world = virtualEnvironment();
  const { tcp } = world.transports as { tcp: Transport };
  const state = { out: false };
  const dial: Transport['dial'] = async (address, options) => {
    if (state.out) throw Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' });
    return tcp.dial(address, options);
  };
  // Clients come by `ws`, and have descriptors of their own.
  const transports = { tcp: { listen: tcp.listen.bind(tcp), dial }, ws: tcp };
  return { world, gateWorld: { ...world, transports }, state };
}

const OPTIONS = {
  listen: [{ ws: '127.0.0.1:0' }],
  servers: [{ version: '4.14.0' }],
  timeouts: { probe: '1s', dial: '3s', hold: '30s' },
};

test('for a while: the server stays up, and a client that came meanwhile is admitted once there is one', async () => {
  const { world, gateWorld, state } = start();
  await using fleet = await startFleet(gateWorld, OPTIONS);
  state.out = true;
  const coming = fleet.connect('4.14.0');
  await world.clock.run(2_500);
  expect(fleet.gate.status()).toMatchObject({ handshakes: 1, servers: [{ state: 'up', lastError: null }] });
  state.out = false;
  (await world.finish(coming)).destroy();
  expect(fleet.log.codes).toEqual(['PERMITTED']);
  expect(fleet.log.of('server')).toHaveLength(1);
});

test('for longer than a dial may take: what is said is whose trouble it is, and the server stays up', async () => {
  const { world, gateWorld, state } = start();
  await using fleet = await startFleet(gateWorld, OPTIONS);
  state.out = true;
  const { message } = await fleet.refuse('4.14.0');
  expect(message).toContain('this gate has no file descriptor left for it (connect EMFILE)');
  expect(fleet.gate.status().servers).toMatchObject([
    { state: 'up', lastError: expect.stringContaining('no file descriptor left') },
  ]);
  expect(fleet.log.of('server')).toHaveLength(1);
  state.out = false;
  (await fleet.admit('4.14.0')).destroy();
  await world.clock.run(10);
});
