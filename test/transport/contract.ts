/** What every transport has to do. Each supplies `setup`; all of it runs for each. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Connection, Listener, Transport } from '../../src/ports/transport.ts';
import { randomBytes, seeded } from '../support/random.ts';
import { Recorder } from '../support/recorder.ts';

export interface Setup {
  readonly transport: Transport;
  /** Where to listen; a free port is chosen. */
  readonly address: string;
  /** Bytes that are more than everything between two ends can hold, several times. */
  readonly bulk: number;
}

interface Pair {
  readonly near: Recorder;
  readonly far: Recorder;
}

const MIB = 1_048_576;

export function describeTransport(name: string, setup: () => Setup): void {
  describe(`${name}: the transport contract`, () => {
    const listeners: Listener[] = [];
    const recorders: Recorder[] = [];
    const { transport, address, bulk } = setup();

    afterEach(async () => {
      for (const { connection } of recorders) connection.destroy();
      for (const recorder of recorders) await recorder.untilClosed();
      await Promise.all(listeners.splice(0).map((listener) => listener.close()));
      for (const { events } of recorders.splice(0)) {
        expect(events.filter((event) => event === 'close')).toHaveLength(1);
        expect(events.at(-1)).toBe('close');
        expect(events.filter((event) => event === 'end').length).toBeLessThanOrEqual(1);
      }
    });

    /** Records what becomes of `connection`; afterEach checks that its close came once and last. */
    function record(connection: Connection): Recorder {
      const recorder = new Recorder(connection);
      recorders.push(recorder);
      return recorder;
    }

    async function listen(accept: (connection: Connection) => void): Promise<Listener> {
      const listener = await transport.listen(address, { accept });
      listeners.push(listener);
      return listener;
    }

    /** Two ends of one connection, `far` without handlers yet. */
    async function rawPair(): Promise<{ near: Connection; far: Connection; listener: Listener }> {
      const accepted = Promise.withResolvers<Connection>();
      const listener = await listen(accepted.resolve);
      const near = await transport.dial(listener.address);
      return { near, far: await accepted.promise, listener };
    }

    async function pair(): Promise<Pair> {
      const { near, far } = await rawPair();
      return { near: record(near), far: record(far) };
    }

    /** Returns once a byte went there and back on a connection of its own: what was sent before has arrived. */
    async function fence(): Promise<void> {
      const { near, far } = await pair();
      for (let round = 1; round <= 3; round++) {
        near.connection.send(Uint8Array.of(round));
        await far.untilReceived(round);
        far.connection.send(Uint8Array.of(round));
        await near.untilReceived(round);
        await turn();
      }
    }

    test('bytes arrive in order both ways, whatever the sizes they were sent in', async () => {
      const { near, far } = await pair();
      const random = seeded(7);
      const there = randomBytes(400_000, 1);
      const back = randomBytes(300_000, 2);
      const send = async ({ connection }: Recorder, bytes: Uint8Array) => {
        for (let at = 0; at < bytes.length; ) {
          const size = 1 + Math.floor(random.next() ** 4 * 60_000);
          connection.send(bytes.subarray(at, at + size));
          at += size;
          if (random.next() < 0.2) await turn();
        }
      };
      await Promise.all([send(near, there), send(far, back)]);
      await Promise.all([far.untilReceived(there.length), near.untilReceived(back.length)]);
      expect(far.bytes.equals(there)).toBe(true);
      expect(near.bytes.equals(back)).toBe(true);
    });

    test('a receiver that pauses bounds what its sender gets rid of, and drain says when to go on', async () => {
      const { near, far } = await pair();
      const chunk = randomBytes(65_536);
      far.connection.pause();
      let sent = 0;
      let refusals = 0;
      let outstanding = 0;
      const sending = (async () => {
        while (sent < bulk) {
          sent += chunk.length;
          const room = near.connection.send(chunk);
          outstanding = Math.max(outstanding, sent - far.received);
          if (room) continue;
          const drains = near.events.length;
          if (++refusals === 1) {
            expect(far.received).toBe(0);
            far.connection.resume();
          }
          await near.until(() => near.events.length > drains, 'drain');
        }
      })();
      far.onData = () => {
        far.chunks.length = 0;
        far.connection.pause();
        setImmediate(() => far.connection.resume());
      };
      await sending;
      await far.untilReceived(bulk);
      expect(refusals).toBeGreaterThan(1);
      expect(outstanding).toBeLessThan(bulk / 2);
      expect(far.received).toBe(bulk);
    });

    for (const [first, second] of [
      ['near', 'far'],
      ['far', 'near'],
    ] as const)
      test(`half-close: ${first} ends, ${second} goes on sending`, async () => {
        const ends = await pair();
        const [a, b] = [ends[first], ends[second]];
        a.connection.send(Buffer.from('the last of mine'));
        a.connection.end();
        a.connection.end();
        await b.untilEnded();
        expect(b.text).toBe('the last of mine');
        expect(b.events).not.toContain('close');
        const answer = randomBytes(MIB);
        b.connection.send(answer.subarray(0, 1_000));
        await a.untilReceived(1_000);
        b.connection.send(answer.subarray(1_000));
        b.connection.end();
        expect(await a.untilClosed()).toBeNull();
        expect(await b.untilClosed()).toBeNull();
        expect(a.bytes.equals(answer)).toBe(true);
        expect(a.events).toContain('end');
      });

    test('after end, nothing more is sent', async () => {
      const { near, far } = await pair();
      near.connection.send(Buffer.from('one'));
      near.connection.end();
      expect(near.connection.send(Buffer.from('two'))).toBe(true);
      await far.untilEnded();
      await fence();
      expect(far.text).toBe('one');
    });

    test('paused, it delivers nothing, not even what it has already read; resumed, it delivers all', async () => {
      const { near, far } = await pair();
      far.connection.pause();
      for (let at = 0; at < 200; at++) near.connection.send(Uint8Array.of(at));
      near.connection.end();
      await fence();
      expect(far.events).toEqual([]);
      far.onData = () => far.connection.pause();
      far.connection.resume();
      await far.until(() => far.received > 0, 'the first bytes');
      expect(far.events).toEqual(['data']);
      const { received } = far;
      await fence();
      expect(far.events).toEqual(['data']);
      expect(far.received).toBe(received);
      far.onData = () => {};
      far.connection.resume();
      await far.untilEnded();
      expect(far.bytes).toEqual(Buffer.from(Array.from({ length: 200 }, (_, at) => at)));
    });

    test('an end is not told to who is paused, though nothing is left to deliver before it', async () => {
      const { near, far } = await pair();
      far.onData = () => far.connection.pause();
      near.connection.send(Uint8Array.of(1));
      await far.untilReceived(1);
      near.connection.end();
      await fence();
      expect(far.events).toEqual(['data']);
      far.connection.resume();
      await far.untilEnded();
      expect(far.events).toEqual(['data', 'end']);
    });

    test('an end that comes before anybody listens is told to who then does', async () => {
      const { near, far } = await rawPair();
      record(near).connection.end();
      await fence();
      const late = record(far);
      await late.untilEnded();
      expect(late.events).toEqual(['end']);
    });

    test('what was sent before an orderly close arrives at a paused receiver, then the end', async () => {
      const { near, far } = await pair();
      far.connection.pause();
      const bytes = randomBytes(200_000);
      near.connection.send(bytes);
      near.connection.close();
      near.connection.close();
      await fence();
      expect(far.received).toBe(0);
      far.connection.resume();
      await far.untilEnded();
      expect(far.bytes.equals(bytes)).toBe(true);
      far.connection.end();
      expect(await far.untilClosed()).toBeNull();
      expect(await near.untilClosed()).toBeNull();
    });

    test('after close, what comes is thrown away', async () => {
      const { near, far } = await pair();
      near.connection.close();
      far.connection.send(randomBytes(100_000));
      far.connection.end();
      await near.untilClosed();
      expect(near.events).toEqual(['close']);
    });

    test('destroy cuts: the peer does not take it for an orderly end', async () => {
      const { near, far } = await pair();
      near.connection.send(Buffer.from('half a mess'));
      await far.untilReceived(11);
      near.connection.destroy();
      near.connection.destroy();
      expect(await far.untilClosed()).toBeInstanceOf(Error);
      expect(far.ended).toBe(false);
      await near.untilClosed();
    });

    test('a peer that breaks off is noticed by one that is paused', async () => {
      const { near, far } = await pair();
      far.connection.pause();
      near.connection.send(randomBytes(200_000));
      await fence();
      near.connection.destroy();
      expect(await far.untilClosed()).toBeInstanceOf(Error);
      expect(far.events).toEqual(['close']);
    });

    test('a connection that is gone takes bytes and drops them', async () => {
      const { near, far } = await pair();
      near.connection.destroy();
      await far.untilClosed();
      await near.untilClosed();
      for (const { connection } of [near, far]) {
        expect(connection.send(Buffer.from('late'))).toBe(true);
        connection.end();
        connection.pause();
        connection.resume();
        connection.close();
        connection.destroy();
      }
    });

    test('nothing is delivered before the first handle, and nothing is lost', async () => {
      const { near, far } = await rawPair();
      record(near);
      near.send(Buffer.from('early '));
      near.send(Buffer.from('bytes'));
      near.end();
      await fence();
      const late = record(far);
      await late.untilEnded();
      expect(late.text).toBe('early bytes');
    });

    test('handlers that come after the connection broke are told so, once', async () => {
      const { near, far } = await rawPair();
      const lost = record(near);
      near.destroy();
      await lost.untilClosed();
      await fence();
      const late = record(far);
      await late.untilClosed();
      expect(late.events.filter((event) => event !== 'end')).toEqual(['close']);
    });

    test('handlers that come in the tick of a destroy are told once', async () => {
      const { near, far } = await rawPair();
      record(near);
      far.destroy();
      const late = record(far);
      await late.untilClosed();
      await fence();
      expect(late.events).toEqual(['close']);
    });

    test('handlers replaced between chunks lose nothing', async () => {
      const { near, far } = await rawPair();
      const sender = record(near);
      const parts: Uint8Array[] = [];
      const ended = Promise.withResolvers<void>();
      const takeOver = (turns: number): void =>
        far.handle({
          data(bytes) {
            parts.push(bytes);
            takeOver(turns + 1);
          },
          end: ended.resolve,
          drain() {},
          close() {},
        });
      takeOver(0);
      const bytes = randomBytes(300_000);
      for (let at = 0; at < bytes.length; at += 1_000) {
        near.send(bytes.subarray(at, at + 1_000));
        if (at % 20_000 === 0) await turn();
      }
      near.end();
      await ended.promise;
      expect(parts.length).toBeGreaterThan(1);
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
      far.end();
      await sender.untilClosed();
    });

    test('sending nothing is nothing', async () => {
      const { near, far } = await pair();
      expect(near.connection.send(new Uint8Array(0))).toBe(true);
      near.connection.send(Buffer.from('x'));
      near.connection.send(new Uint8Array(0));
      await fence();
      await far.untilReceived(1);
      expect(far.events).toEqual(['data']);
    });

    test('dialling where nobody listens fails', async () => {
      const listener = await listen(() => {});
      await listener.close();
      await expect(transport.dial(listener.address)).rejects.toThrow();
    });

    test('an aborted dial fails, before and under way, and leaves no connection behind', async () => {
      const accepted: Recorder[] = [];
      const listener = await listen((connection) => accepted.push(record(connection)));
      await expect(transport.dial(listener.address, { signal: AbortSignal.abort() })).rejects.toThrow(
        /gave up/,
      );
      const abort = new AbortController();
      const dialling = transport.dial(listener.address, { signal: abort.signal });
      abort.abort();
      await expect(dialling).rejects.toThrow(/gave up/);
      await fence();
      for (const recorder of accepted) {
        await recorder.untilEnded();
        expect(recorder.received).toBe(0);
      }
    });

    test('a signal that aborts after the dial does nothing', async () => {
      const accepted = Promise.withResolvers<Connection>();
      const listener = await listen(accepted.resolve);
      const abort = new AbortController();
      const near = record(await transport.dial(listener.address, { signal: abort.signal }));
      const far = record(await accepted.promise);
      abort.abort();
      near.connection.send(Buffer.from('still here'));
      await far.untilReceived(10);
      expect(near.events).toEqual([]);
    });

    test('a closed listener accepts no more; accepted connections live on', async () => {
      const { near, far, listener } = await rawPair();
      const [a, b] = [record(near), record(far)];
      await listener.close();
      await expect(transport.dial(listener.address)).rejects.toThrow();
      near.send(Buffer.from('there'));
      far.send(Buffer.from('back'));
      await b.untilReceived(5);
      await a.untilReceived(4);
      expect([b.text, a.text]).toEqual(['there', 'back']);
    });

    test('port 0 chooses a free port each time', async () => {
      const [one, two] = [await listen(() => {}), await listen(() => {})];
      expect(one.address).toMatch(/:[1-9]\d*$/);
      expect(one.address).not.toBe(two.address);
    });

    test('an address in use is refused', async () => {
      const listener = await listen(() => {});
      await expect(transport.listen(listener.address, { accept() {} })).rejects.toThrow(/in use|EADDRINUSE/);
    });

    test('both ends have a name', async () => {
      const { near, far } = await pair();
      expect(near.connection.peer).not.toBe('');
      expect(far.connection.peer).not.toBe('');
    });
  });
}
