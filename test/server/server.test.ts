/** The simulated server towards a gate that breaks the protocol: a stand-in that tests are to be able to rely on. */
import { expect, onTestFinished, test } from 'vitest';
import { encodeMessage } from '../../src/wire/messages.ts';
import { encodePreface } from '../../src/wire/preface.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { dialRaw } from '../support/raw-client.ts';
import { TestServer } from '../support/servers.ts';

const IDENTIFY = encodeMessage('identify', { gate: 'g', purpose: 'upgrade' });
const UPGRADE = encodeMessage('upgradeRequest', {
  from: '4.13.0',
  to: '4.14.0',
  fromLevel: 27,
  toLevel: 28,
  step: 1,
  attempt: 1,
  token: 1,
  key: 'main/1/27-28',
});
const UNKNOWN_FRAME = Uint8Array.of(0x7f, 0, 0, 0, 0);

async function converse(...parts: Uint8Array[]) {
  const world = virtualEnvironment();
  const server = await TestServer.start(world, 's1', { version: '4.14.0' });
  onTestFinished(() => server.stop());
  const gate = await dialRaw(world, server.address);
  gate.connection.send(Buffer.concat(parts));
  await world.clock.run(1_000);
  return gate;
}

test('a fault in one piece with the question ends the connection at once', async () => {
  const gate = await converse(encodePreface(), IDENTIFY, UNKNOWN_FRAME);
  expect(gate.closed).not.toBeUndefined();
});

test('so does one behind a request to upgrade, as soon as that is answered', async () => {
  const gate = await converse(encodePreface(), IDENTIFY, UPGRADE, UNKNOWN_FRAME);
  expect(gate.text).toContain('keeps no system tables');
  expect(gate.closed).not.toBeUndefined();
});

test('whole messages in one piece are all answered, and the connection stays', async () => {
  const gate = await converse(encodePreface(), IDENTIFY, UPGRADE, UPGRADE);
  expect(gate.text.split('keeps no system tables')).toHaveLength(3);
  expect(gate.closed).toBeUndefined();
});
