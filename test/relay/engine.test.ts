/** Which engine a gate uses, and what `buffers` stands on. */
import net from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Connection, Transport } from '../../src/ports/transport.ts';
import { buffers, chooseEngine, streams } from '../../src/relay/engine.ts';
import { copiesOut } from '../../src/transport/copies.ts';
import { canLend, moveToShared, tryToMove } from '../../src/transport/lending.ts';
import { createTcpTransport } from '../../src/transport/tcp.ts';
import { createWsTransport } from '../../src/transport/ws.ts';
import { randomBytes } from '../support/random.ts';
import { Recorder } from '../support/recorder.ts';
import { endOf, sendAll, sessionOf } from './pair.ts';

const tcp = createTcpTransport();

describe('the engine', () => {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const unable: Transport = { ...tcp, lends: async () => false };
  const { lends: _, ...silent } = tcp;

  test('is buffers on this Node.js, unless streams is asked for', async () => {
    const transports = { tcp, ws: createWsTransport() };
    expect(await chooseEngine('auto', transports, say)).toBe(buffers);
    expect(await chooseEngine('buffers', transports, say)).toBe(buffers);
    expect(await chooseEngine('streams', transports, say)).toBe(streams);
    expect(said).toEqual([]);
  });

  test('is streams, and the operator is told, where sockets cannot be read so; by name it is an error', async () => {
    expect(await chooseEngine('auto', { tcp: unable }, say)).toBe(streams);
    expect(said.splice(0)).toEqual([
      'relay: sockets of this Node.js cannot be read into buffers that are used again; plain streams are used, which cost more for bulk transfers',
    ]);
    await expect(chooseEngine('buffers', { tcp: unable }, say)).rejects.toThrow(
      /^relay: .*; use auto or streams$/,
    );
  });

  test('is streams without a word where no transport lends, as in simulations', async () => {
    expect(await chooseEngine('auto', { tcp: silent }, say)).toBe(streams);
    expect(said).toEqual([]);
  });
});

describe('reading into a buffer that is used again', () => {
  test('works here', async () => {
    expect(await canLend()).toBe(true);
  });

  test('a Node.js in which sockets cannot be moved is found out', async () => {
    const deaf: typeof moveToShared = (socket) => {
      moveToShared(socket, () => {}).destroy();
      return new net.Socket();
    };
    expect(
      await tryToMove(() => {
        throw new TypeError('no such option');
      }),
    ).toBe(false);
    expect(await tryToMove(deaf)).toBe(false);
  });

  test.each([
    ['accepted', 1],
    ['dialled', 0],
  ] as const)(
    '%s connections lend the same memory once they are busy, and only to handlers that take it',
    async (_, which) => {
      const accepted = Promise.withResolvers<Connection>();
      const listener = await tcp.listen('127.0.0.1:0', { accept: accepted.resolve });
      const near = await tcp.dial(listener.address);
      const ends = [near, await accepted.promise] as const;
      const [reader, sender] = [ends[which] as Connection, new Recorder(ends[1 - which] as Connection)];
      onTestFinished(async () => {
        for (const connection of ends) connection.destroy();
        await listener.close();
      });
      const lent = new Set<ArrayBufferLike>();
      const owned: Buffer[] = [];
      const borrower = new Recorder(reader);
      const handlers = {
        data: (bytes: Uint8Array) => {
          owned.push(Buffer.from(bytes));
          borrower.data(bytes);
        },
        lent: (bytes: Uint8Array) => {
          lent.add(bytes.buffer);
          owned.push(Buffer.from(bytes));
          borrower.data(bytes);
        },
        end: () => borrower.end(),
        drain() {},
        close: (error: Error | null) => borrower.close(error),
      };
      reader.handle(handlers);
      sender.connection.send(Buffer.from('small'));
      await borrower.untilReceived(5);
      expect(lent.size).toBe(0);
      const bytes = randomBytes(4_000_000);
      sender.connection.send(bytes);
      await borrower.untilReceived(4_000_005);
      expect(lent.size).toBe(1);
      const plain = new Recorder(reader);
      sender.connection.send(bytes);
      await plain.untilReceived(4_000_000);
      expect(plain.bytes.equals(bytes)).toBe(true);
      expect(Buffer.concat(owned).subarray(5).equals(bytes)).toBe(true);
      expect(plain.chunks.every(({ buffer }) => !lent.has(buffer))).toBe(true);
    },
  );
});

describe('the memory of what is on its way to a slow reader', () => {
  const way = { engine: buffers, clients: tcp, servers: tcp };
  const MUCH = randomBytes(3_000_000);

  test.each(['client', 'server'] as const)('goes back when the %s breaks off', async (side) => {
    const sessions = await Promise.all(Array.from({ length: 4 }, () => sessionOf(way)));
    for (const session of sessions) {
      const { client, server, relay } = session;
      server.connection.pause();
      for (let at = 0; at < 8; at++) client.connection.send(MUCH);
      await vi.waitFor(() => expect(copiesOut()).toBeGreaterThan(0), 8_000);
      const ended = endOf(relay);
      session[side].connection.destroy();
      await ended;
    }
    await vi.waitFor(() => expect(copiesOut()).toBe(0), 8_000);
  });

  test('is bounded: many sessions at once do with fresh memory, and lose nothing', async () => {
    const sessions = await Promise.all(Array.from({ length: 70 }, () => sessionOf(way)));
    const bytes = sessions.map((_, at) => randomBytes(700_000, at + 1));
    await Promise.all(
      sessions.map(async ({ client, server }, at) => {
        await sendAll(client, [bytes[at] as Buffer, bytes[at] as Buffer]);
        await server.untilReceived(1_400_000);
      }),
    );
    expect(copiesOut()).toBeLessThanOrEqual(64);
    for (const [at, { server }] of sessions.entries())
      expect(server.bytes.equals(Buffer.concat([bytes[at] as Buffer, bytes[at] as Buffer]))).toBe(true);
  });
});
