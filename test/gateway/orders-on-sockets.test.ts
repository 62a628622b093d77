/** What clients on real sockets see of orders: WebSocket close codes, a refusal over the wire, a connection that ends. */
import { once } from 'node:events';
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { realEnvironment } from '../support/environment.ts';
import { type Fleet, startFleet } from '../support/gate.ts';
import { answersIn, dialRaw, helloBytes } from '../support/raw-client.ts';

const ANN = { by: 'ann', reason: 'a new disk' };

function start(): Promise<Fleet> {
  return startFleet(realEnvironment, {
    listen: [{ ws: '127.0.0.1:0' }, { tcp: '127.0.0.1:0' }, { tcp: '127.0.0.1:0', assume: '4.13.0' }],
    servers: [{ version: '4.14.0' }],
  });
}

/** A WebSocket with a session, and how it closes. */
async function openSession(fleet: Fleet, version: string, count: number) {
  const client = new WebSocket(fleet.address(0));
  onTestFinished(() => client.terminate());
  client.on('error', () => {});
  const closed = once(client, 'close').then(([code, reason]) => [code, String(reason)]);
  await once(client, 'open');
  client.send(helloBytes(version));
  const { session } = await fleet.log.until('handshake', { code: 'PERMITTED' }, count);
  return { session: session as string, closed };
}

test('a WebSocket is closed with the code of what ended its session', async () => {
  await using fleet = await start();
  const { operations } = fleet.gate;
  const kicked = await openSession(fleet, '4.14.0', 1);
  const moved = await openSession(fleet, '4.13.0', 2);
  const drained = await openSession(fleet, '4.14.0', 3);
  await operations.kick({ ...ANN, session: kicked.session });
  expect(await kicked.closed).toEqual([4025, 'KICKED: An operator ended the session (a new disk).']);
  await operations.drain({ ...ANN, target: { kind: 'clients', range: '<4.14' }, overMs: 0 });
  expect(await moved.closed).toEqual([
    4024,
    'RELEASE_DRAINED: An operator has clients of <4.14 moved on (a new disk).',
  ]);
  await operations.drain({ ...ANN, target: { kind: 'listener', address: fleet.address(0) }, overMs: 0 });
  expect(await drained.closed).toEqual([
    4019,
    'DRAINING: An operator drains this address of the gate (a new disk).',
  ]);
  expect(fleet.gate.status().sessions).toBe(0);
});

test('a listener that is drained refuses who comes, the others do not; undrained, it takes clients again', async () => {
  await using fleet = await start();
  const { operations } = fleet.gate;
  const target = { kind: 'listener', address: fleet.address(1) } as const;
  const [mine, other] = [await fleet.admit('4.14.0', { at: 1 }), await fleet.admit('4.14.0', { at: 0 })];
  mine.resume();
  const preview = await operations.drain({ ...ANN, target, overMs: 50, dryRun: true });
  expect(preview.sentence).toBe(`${target.address} takes no clients. Closes 1 session, evenly over 0.05 s.`);
  const effect = await operations.drain({ ...ANN, target, overMs: 50 });
  expect(effect).toMatchObject({ done: true, sessions: 1 });
  expect(fleet.log.of('session-end')).toMatchObject([
    { session: mine.id, reason: 'drained', code: 'DRAINING' },
  ]);
  const client = await dialRaw(realEnvironment, target.address);
  client.connection.send(helloBytes('4.14.0'));
  await client.untilEnded();
  expect(answersIn(client.bytes).refuse).toMatchObject({ code: 'DRAINING', retry: 'later' });
  client.connection.end();
  (await fleet.admit('4.14.0', { at: 0 })).destroy();
  await operations.undrain({ ...ANN, target });
  (await fleet.admit('4.14.0', { at: 1 })).destroy();
  other.destroy();
});

test('a program that knows nothing of the gate waits out a pause, and is cut off from a drained release', async () => {
  await using fleet = await start();
  const { operations } = fleet.gate;
  await operations.pause(ANN);
  const { hostname, port } = new URL(fleet.address(2));
  const program = net.connect(Number(port), hostname);
  onTestFinished(() => void program.destroy());
  program.write('early');
  await once(program, 'connect');
  expect(fleet.server(0).opened).toEqual([]);
  await operations.resume(ANN);
  const [echo] = await once(program, 'data');
  expect(String(echo)).toBe('early');
  const gone = once(program, 'close');
  program.resume();
  await operations.drain({ ...ANN, target: { kind: 'clients', range: '4.13.x' }, overMs: 0 });
  program.end();
  await gone;
  expect(fleet.log.of('session-end')).toMatchObject([{ reason: 'drained', code: 'RELEASE_DRAINED' }]);
});
