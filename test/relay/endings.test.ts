/** What a relay does when the two sides end or break in every order; on virtual time, byte for byte. */
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/ports/transport.ts';
import { streams } from '../../src/relay/engine.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { randomBytes } from '../support/random.ts';
import { Recorder } from '../support/recorder.ts';
import { endOf } from './pair.ts';

const NOTHING = { chunks: [], ended: false };

/** A client and a server with a relay between them. */
async function start(early: { chunks: Uint8Array[]; ended: boolean } = NOTHING) {
  const clock = new VirtualClock();
  const network = createMemoryNetwork(clock, 1);
  const accepted: Connection[] = [];
  await network.listen('gate:1', { accept: (connection) => accepted.push(connection) });
  const client = new Recorder(await clock.until(network.dial('gate:1')));
  const server = new Recorder(await clock.until(network.dial('gate:1')));
  const [towardsClient, towardsServer] = accepted as [Connection, Connection];
  const running = streams.start(towardsClient, towardsServer, early);
  return { clock, client, server, running };
}

describe('relay', () => {
  test('what the server sent before its end reaches a slow client, though the server then resets', async () => {
    const { clock, client, server, running } = await start();
    client.connection.pause();
    const bytes = randomBytes(60_000);
    server.connection.send(bytes);
    server.connection.end();
    await clock.run(5);
    server.connection.destroy();
    await clock.run(5);
    expect(client.received).toBe(0);
    client.connection.resume();
    await clock.run(5);
    expect(client.bytes.equals(bytes)).toBe(true);
    expect(client.closed).toBeNull();
    expect(await endOf(running)).toMatchObject({ reason: 'server-gone', error: expect.any(Error) });
  });

  test('a server that resets in mid-stream is an error for the client', async () => {
    const { clock, client, server, running } = await start();
    server.connection.send(Buffer.from('half an ans'));
    await clock.run(5);
    server.connection.destroy();
    await clock.run(5);
    expect(client.closed).toBeInstanceOf(Error);
    expect(client.ended).toBe(false);
    expect(await endOf(running)).toMatchObject({ reason: 'server-gone' });
  });

  test('a client that resets in mid-stream is an error for the server', async () => {
    const { clock, client, server, running } = await start();
    client.connection.send(Buffer.from('half a que'));
    await clock.run(5);
    client.connection.destroy();
    await clock.run(5);
    expect(server.closed).toBeInstanceOf(Error);
    expect(await endOf(running)).toMatchObject({ reason: 'client-gone' });
  });

  test('a slow client holds the server back: what is under way is bounded', async () => {
    const { clock, client, server, running } = await start();
    client.connection.pause();
    let sent = 0;
    let room = true;
    const send = () => {
      while (room && sent < 10_000_000) {
        room = server.connection.send(new Uint8Array(10_000));
        sent += 10_000;
      }
    };
    server.drain = () => {
      room = true;
      send();
    };
    send();
    await clock.run(1_000);
    expect(sent).toBeLessThan(300_000);
    expect(running.fromServer).toBeLessThan(300_000);
    client.connection.resume();
    await clock.run(10_000);
    expect(client.received).toBe(10_000_000);
  });

  test('early bytes come first, then the rest; an early end is an end', async () => {
    const early = [Buffer.from('one '), Buffer.from('two ')];
    const first = await start({ chunks: early, ended: false });
    first.client.connection.send(Buffer.from('three'));
    await first.clock.run(5);
    expect(first.server.text).toBe('one two three');
    expect(first.server.ended).toBe(false);
    expect(first.running.fromClient).toBe(13);

    const second = await start({ chunks: early, ended: true });
    await second.clock.run(5);
    expect(second.server.text).toBe('one two ');
    expect(second.server.ended).toBe(true);
    second.server.connection.send(Buffer.from('answer'));
    await second.clock.run(5);
    expect(second.client.text).toBe('answer');
  });

  test('early bytes that fill the server keep the client waiting until there is room', async () => {
    const { clock, client, server } = await start({ chunks: [randomBytes(100_000)], ended: false });
    server.connection.pause();
    client.connection.send(randomBytes(50_000, 2));
    await clock.run(5);
    expect(server.received).toBe(0);
    server.connection.resume();
    await clock.run(5);
    expect(server.bytes.equals(Buffer.concat([randomBytes(100_000), randomBytes(50_000, 2)]))).toBe(true);
  });
});
