/** A listener that speaks Redis, client byte by client byte: what reaches which server, and when. */
import { expect, test } from 'vitest';
import { type VirtualEnvironment, virtualEnvironment } from '../../support/environment.ts';
import { type FleetOptions, startFleet } from '../../support/gate.ts';
import { dialRaw } from '../../support/raw-client.ts';
import { Recorder } from '../../support/recorder.ts';

const INTRODUCTION =
  '*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$7\r\nSETNAME\r\n$11\r\nshop/4.13.2\r\nCLIENT SETINFO LIB-NAME x\r\n';
const SET = '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n';
const ANSWERS = '%1\r\n+proto\r\n:3\r\n+OK\r\n';

/** A server that answers an introduction, and keeps what each connection brought. */
async function startServer(world: VirtualEnvironment, address: string) {
  const connections: Recorder[] = [];
  await world.transports.tcp?.listen(address, {
    accept(connection) {
      const recorder = new Recorder(connection);
      connections.push(recorder);
      recorder.onData = (bytes) => {
        if (Buffer.from(bytes).includes('HELLO')) connection.send(Buffer.from('%1\r\n+proto\r\n:3\r\n'));
        if (Buffer.from(bytes).includes('SETINFO')) connection.send(Buffer.from('+OK\r\n'));
        if (Buffer.from(bytes).includes('SET\r\n')) connection.send(Buffer.from('+SET\r\n'));
      };
    },
  });
  return connections;
}

async function start(version: string, more: FleetOptions = {}) {
  const world = virtualEnvironment();
  const connections = await startServer(world, '10.0.0.1:6379');
  const fleet = await startFleet(world, {
    listen: [
      { tcp: '127.0.0.1:0', speaks: 'redis', claim: [{ client_name: '^shop/(.*)' }], otherwise: 'refuse' },
    ],
    others: [{ id: 'r1', address: 'tcp://10.0.0.1:6379', version, probe: 'none' }],
    ...more,
  });
  const client = await dialRaw(world, fleet.address());
  const say = async (text: string, ms = 100) => {
    client.connection.send(Buffer.from(text));
    await world.clock.run(ms);
  };
  /** What each connection brought to the server. */
  const brought = () => connections.map(({ text }) => text);
  return { world, fleet, client, say, brought, connections };
}

test('a client that is admitted stays with the server that it introduced itself to', async () => {
  await using started = await start('4.14.0').then(disposable);
  const { fleet, client, say, brought } = started;
  await say(INTRODUCTION);
  expect(client.text).toBe(ANSWERS);
  await say(SET);
  expect(client.text).toBe(`${ANSWERS}+SET\r\n`);
  expect(brought()).toEqual([`${INTRODUCTION}${SET}`]);
  expect(fleet.log.codes).toEqual(['PERMITTED']);
});

test('a refused one that sends all at once gets its answers in order, and its command reaches no server', async () => {
  await using started = await start('4.12.0').then(disposable);
  const { fleet, client, say, brought, connections } = started;
  await say(INTRODUCTION + SET);
  expect(client.text.startsWith(`${ANSWERS}-ERR Client 4.13.2 is newer than r1 (4.12.0)`)).toBe(true);
  expect(client.closed).toBeNull();
  expect(brought()).toEqual([INTRODUCTION]);
  expect(connections[0]?.closed).toBeNull();
  expect(fleet.log.codes).toEqual(['SERVER_OUTDATED']);
});

test('without an introduction nothing reaches a server before the verdict', async () => {
  await using started = await start('4.14.0').then(disposable);
  const { fleet, client, say, brought } = started;
  await say(SET);
  expect(client.text).toMatch(
    /^-ERR The client states no release; it is read from: client_name\. \(CLAIM_MISSING/,
  );
  expect(brought()).toEqual([]);
  expect(fleet.log.codes).toEqual(['CLAIM_MISSING']);
});

test('a connection of a pool that asks for nothing is judged when the time for a handshake is over', async () => {
  await using started = await start('4.14.0', { timeouts: { handshake: '10s' } }).then(disposable);
  const { fleet, client, say } = started;
  await say(INTRODUCTION, 9_000);
  expect(fleet.log.codes).toEqual([]);
  await say('', 2_000);
  expect(fleet.log.codes).toEqual(['PERMITTED']);
  await say(SET);
  expect(client.text).toBe(`${ANSWERS}+SET\r\n`);
});

test('one that is held lets its server go, and the next is told the same without the client noticing', async () => {
  await using started = await start('4.14.0').then(disposable);
  const { world, fleet, client, say, brought, connections } = started;
  await fleet.gate.operations.pause({ by: 'ann', reason: 'a test' });
  await say(INTRODUCTION + SET, 1_000);
  expect(brought()).toEqual([INTRODUCTION]);
  expect(connections[0]?.closed).toBeNull();
  await fleet.gate.operations.resume({ by: 'ann', reason: 'a test' });
  await world.clock.run(1_000);
  expect(client.text).toBe(`${ANSWERS}+SET\r\n`);
  expect(brought()).toEqual([INTRODUCTION, `${INTRODUCTION}${SET}`]);
});

test('a client waits for a server as long as one may be held, then is told', async () => {
  await using started = await start('4.14.0', {
    others: [{ id: 'r1', address: 'tcp://10.0.0.2:6379', version: '4.14.0' }],
    timeouts: { hold: '20s' },
  }).then(disposable);
  const { client, say } = started;
  await say(INTRODUCTION, 15_000);
  expect(client.text).toBe('');
  await say('', 10_000);
  expect(client.text).toMatch(/^-ERR No server could be reached: .*retry: later/);
});

/** Ends the gate with the test. */
function disposable<T extends Awaited<ReturnType<typeof start>>>(started: T) {
  return { ...started, [Symbol.asyncDispose]: () => started.fleet[Symbol.asyncDispose]() };
}
