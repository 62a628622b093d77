/** What every relay engine has to do, whatever the two connections are. Each supplies `setup`; all of it runs for each. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GOING_AWAY } from '../../src/wire/close.ts';
import { chunksBy } from '../support/chunks.ts';
import { randomBytes } from '../support/random.ts';
import type { Recorder } from '../support/recorder.ts';
import { endOf, endsOf, sendAll, sessionOf, type Way } from './pair.ts';
import { soak } from './soak.ts';

const MIB = 1_048_576;
/** More than everything between two ends can hold, several times. */
const BULK = 48 * MIB;
/** What sockets and relay may hold between a sender and a receiver that does not read. */
const MAX_UNDER_WAY = 24 * MIB;

/** From one byte to several reads of a kernel that had much to give. */
const sizes = fc.array(
  fc.oneof(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 9_000 }),
    fc.integer({ min: 10_000, max: 300_000 }),
  ),
  { minLength: 1, maxLength: 8 },
);

export function describeRelay(name: string, setup: () => Way): void {
  const way = setup();

  describe(`${name}: the relay contract`, () => {
    test('bytes arrive as they were sent, both ways at once, whatever the sizes they were sent in', async () => {
      await fc.assert(
        fc.asyncProperty(sizes, sizes, fc.integer({ min: 1, max: 1_000 }), async (up, down, seed) => {
          const { client, server, relay } = await sessionOf(way);
          const [there, back] = [randomBytes(700_000, seed), randomBytes(500_000, seed + 1)];
          await Promise.all([
            sendAll(client, fine(there, up)),
            sendAll(server, fine(back, down)),
            server.untilReceived(there.length),
            client.untilReceived(back.length),
          ]);
          expect(server.bytes.equals(there)).toBe(true);
          expect(client.bytes.equals(back)).toBe(true);
          expect([relay.fromClient, relay.fromServer]).toEqual([there.length, back.length]);
          client.connection.end();
          server.connection.end();
          expect(await endOf(relay)).toEqual({ reason: 'both-ended', error: null });
        }),
        { numRuns: 12 },
      );
    });

    for (const [first, second] of [
      ['client', 'server'],
      ['server', 'client'],
    ] as const)
      test(`half-close: the ${first} ends, the ${second} goes on sending`, async () => {
        const session = await sessionOf(way);
        const [a, b] = [session[first], session[second]];
        a.connection.send(Buffer.from('the last of mine'));
        a.connection.end();
        await b.untilEnded();
        expect(b.text).toBe('the last of mine');
        const answer = randomBytes(3 * MIB);
        await sendAll(b, chunksBy(answer, [100_000]));
        b.connection.end();
        await a.untilEnded();
        expect(a.bytes.equals(answer)).toBe(true);
        expect(await endOf(session.relay)).toEqual({ reason: 'both-ended', error: null });
        expect(await a.untilClosed()).toBeNull();
        expect(await b.untilClosed()).toBeNull();
      });

    for (const [first, second] of [
      ['client', 'server'],
      ['server', 'client'],
    ] as const)
      test.each([
        ['after a few bytes', 11],
        ['in the middle of much', 5 * MIB],
      ])(`a ${first} that breaks off %s is an error for the ${second}, not an end`, async (_, size) => {
        const session = await sessionOf(way);
        const [a, b] = [session[first], session[second]];
        const sending = sendAll(a, chunksBy(randomBytes(size), [65_536]));
        await b.untilReceived(Math.min(size, MIB));
        await sending;
        a.connection.destroy();
        expect(await b.untilClosed()).toBeInstanceOf(Error);
        expect(b.ended).toBe(false);
        expect(await endOf(session.relay)).toEqual({ reason: `${first}-gone`, error: expect.any(Error) });
      });

    for (const [from, to, counter] of [
      ['client', 'server', 'fromClient'],
      ['server', 'client', 'fromServer'],
    ] as const)
      test(`a ${to} that reads nothing holds the ${from} back, and loses nothing`, async () => {
        const session = await sessionOf(way);
        const [sender, receiver] = [session[from], session[to]];
        receiver.connection.pause();
        const chunk = randomBytes(MIB);
        let sent = 0;
        const sending = sendAll(
          sender,
          chunksOnce(chunk, BULK / MIB, () => sent++),
        );
        await settled(() => session.relay[counter]);
        const underWay = session.relay[counter];
        expect(sent * MIB).toBeLessThan(BULK);
        expect(underWay).toBeLessThan(MAX_UNDER_WAY);
        expect(receiver.received).toBe(0);
        receiver.onData = verify(receiver, chunk);
        receiver.connection.resume();
        await sending;
        await receiver.untilReceived(BULK);
        expect(session.relay[counter]).toBe(BULK);
      });

    test("sessions with slow readers do not get each other's bytes", async () => {
      const sessions = await Promise.all(Array.from({ length: 6 }, () => sessionOf(way)));
      const all = sessions.map((_, at) => randomBytes(4 * MIB, at + 1));
      await Promise.all(
        sessions.map(async ({ client, server }, at) => {
          const bytes = all[at] as Buffer;
          server.onData = () => {
            server.connection.pause();
            setImmediate(() => setImmediate(() => server.connection.resume()));
          };
          await sendAll(client, chunksBy(bytes, [200_000, 70_000, 3]));
          await server.untilReceived(bytes.length);
          expect(server.bytes.equals(bytes)).toBe(true);
        }),
      );
    });

    test('what came before the hand-off goes first; an end before it is an end', async () => {
      const chunks = [Buffer.from('one '), randomBytes(90_000)];
      const open = await sessionOf(way, { chunks, ended: false });
      await sendAll(open.client, [Buffer.from(' three')]);
      await open.server.untilReceived(90_010);
      expect(open.server.bytes.equals(Buffer.concat([...chunks, Buffer.from(' three')]))).toBe(true);
      expect(open.server.ended).toBe(false);
      expect(open.relay.fromClient).toBe(90_010);

      const ended = await sessionOf(way, { chunks, ended: true });
      await ended.server.untilEnded();
      expect(ended.server.received).toBe(90_004);
      ended.server.connection.send(Buffer.from('answer'));
      await ended.client.untilReceived(6);
      expect(ended.client.text).toBe('answer');
    });

    test('a server that ended, or was gone, before the hand-off: the client sees just that', async () => {
      const ended = await endsOf(way);
      way.engine.start(
        ended.towardsClient,
        ended.towardsServer,
        { chunks: [], ended: false },
        { spoke: false, ended: true, closed: null },
      );
      await ended.client.untilEnded();
      ended.client.connection.send(Buffer.from('still heard'));
      await ended.server.untilReceived(11);

      const gone = await endsOf(way);
      const error = new Error('reset');
      const relay = way.engine.start(
        gone.towardsClient,
        gone.towardsServer,
        { chunks: [], ended: false },
        { spoke: false, ended: false, closed: { error } },
      );
      expect(await endOf(relay)).toEqual({ reason: 'server-gone', error });
      expect(await gone.client.untilClosed()).toBeInstanceOf(Error);
    });

    test('a client that was gone before the hand-off: the server hears of it', async () => {
      const { client, server, towardsClient, towardsServer } = await endsOf(way);
      client.connection.destroy();
      await client.untilClosed();
      const relay = way.engine.start(towardsClient, towardsServer, { chunks: [], ended: false });
      expect(await endOf(relay)).toMatchObject({ reason: 'client-gone' });
      await server.untilClosed();
    });

    test('closed from this side, both get what was sent and the end, and the reason is the one given', async () => {
      const { client, server, relay } = await sessionOf(way);
      client.connection.send(Buffer.from('ask'));
      await server.untilReceived(3);
      server.connection.send(Buffer.from('answer'));
      await client.untilReceived(6);
      relay.close('gate-stopped', GOING_AWAY);
      relay.close('client-gone', GOING_AWAY);
      for (const end of [client, server]) {
        await end.untilEnded();
        end.connection.close();
        expect(await end.untilClosed()).toBeNull();
      }
      expect(await endOf(relay)).toEqual({ reason: 'gate-stopped', error: null });
    });

    test('two-way traffic with a slow side never stands still', async () => {
      await soak(await sessionOf(way), { bytes: 8 * MIB });
    });
  });
}

/** A few bytes of the beginning by small sizes; the rest in chunks of which none is tiny, so that it ends in time. */
function fine(bytes: Uint8Array, cut: readonly number[]): Uint8Array[] {
  const start = chunksBy(bytes.subarray(0, 20_000), cut);
  const large = cut.map((size) => Math.max(size, 2_000));
  return [...start, ...chunksBy(bytes.subarray(20_000), large)];
}

function* chunksOnce(chunk: Uint8Array, times: number, note: () => void): Generator<Uint8Array> {
  for (let at = 0; at < times; at++) {
    note();
    yield chunk;
  }
}

/** Checks against a chunk that is sent over and over, and keeps nothing. */
function verify(receiver: Recorder, chunk: Buffer): (bytes: Uint8Array) => void {
  return (bytes) => {
    receiver.chunks.length = 0;
    for (let at = receiver.received - bytes.length, from = 0; from < bytes.length; ) {
      const start = (at + from) % chunk.length;
      const length = Math.min(bytes.length - from, chunk.length - start);
      expect(chunk.compare(bytes, from, from + length, start, start + length)).toBe(0);
      from += length;
    }
  };
}

/** Returns once a number has not changed for many turns of the event loop. */
async function settled(value: () => number): Promise<void> {
  for (let last = -1, still = 0; still < 400; still = value() === last ? still + 1 : 0) {
    last = value();
    await new Promise(setImmediate);
  }
}
