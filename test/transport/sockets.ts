/** What transports on real sockets have to do beyond the contract. */
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Connection, Transport } from '../../src/ports/transport.ts';
import { Recorder } from '../support/recorder.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);
const SIZE = 24 * 1_048_576;
const BURST = 3_000;
const QUEUE = '/proc/sys/net/core/somaxconn';
const SOCKETS = '/proc/net/tcp';
/** As the kernel prints the timer of a socket that waits for nothing but to ask after its peer. */
const KEEP_ALIVE = '02';
/** ms within which the kernel is told of a connection that lasts. */
const LASTING = 12_000;

/** How many this process may open. */
function openFiles(): number {
  const { userLimits } = process.report.getReport() as {
    userLimits?: { open_files?: { soft: number | 'unlimited' } };
  };
  const soft = userLimits?.open_files?.soft ?? 0;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft;
}

function timerOf(local: number | undefined, remote: number | undefined): string | undefined {
  const end = (port = 0) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync(SOCKETS, 'utf8')
    .split('\n')
    .find((text) => text.includes(`${end(local)} ${end(remote)} `));
  return /^\s*\d+: \S+ \S+ \S+ \S+ (..):/.exec(line ?? '')?.[1];
}

export function describeSockets(name: string, transport: Transport): void {
  /** `far` is paused. */
  async function pair(address: string): Promise<{ near: Recorder; far: Recorder; listening: string }> {
    const accepted = Promise.withResolvers<Connection>();
    const listener = await transport.listen(address, { accept: accepted.resolve });
    const near = new Recorder(await transport.dial(listener.address));
    const far = new Recorder(await accepted.promise);
    onTestFinished(async () => {
      near.connection.destroy();
      far.connection.destroy();
      await listener.close();
    });
    far.connection.pause();
    return { near, far, listening: listener.address };
  }

  describe(`${name} on sockets`, () => {
    test('IPv6', async ({ skip }) => {
      skip(!HAS_IPV6, 'this machine has no IPv6 loopback');
      const { near, far, listening } = await pair('[::1]:0');
      far.connection.resume();
      near.connection.send(Buffer.from('six'));
      await far.untilReceived(3);
      expect(listening).toMatch(/^\[::1\]:\d+$/);
      expect(far.connection.peer).toMatch(/^\[::1\]:\d+$/);
    });

    test('a burst of peers that dial before one is accepted: none is lost', async ({ skip }) => {
      const queue = existsSync(QUEUE) ? Number(readFileSync(QUEUE, 'utf8')) : 0;
      skip(queue < BURST, `this system lets no more than ${queue} peers wait to be accepted`);
      const open = openFiles();
      skip(open < 3 * BURST, `this process may not open more than ${open} files`);
      const all = Promise.withResolvers<void>();
      let arrived = 0;
      const arrive = () => {
        if (++arrived === BURST) all.resolve();
      };
      const listener = await transport.listen('127.0.0.1:0', {
        accept: arrive,
        track() {
          arrive();
          return { admitted: true, end() {} };
        },
      });
      const port = Number(listener.address.split(':').at(-1));
      const peers = Array.from({ length: BURST }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
      onTestFinished(async () => {
        for (const peer of peers) peer.destroy();
        await listener.close();
      });
      await all.promise;
      expect(arrived).toBe(BURST);
    });

    test('a peer whose machine vanished is noticed: the kernel asks after both ends', async ({ skip }) => {
      skip(!existsSync(SOCKETS), 'this system does not tell the timers of its sockets');
      const { far, near, listening } = await pair('127.0.0.1:0');
      near.connection.send(Buffer.from('x'));
      far.connection.resume();
      await far.untilReceived(1);
      const [port, peerPort] = [listening, far.connection.peer].map((end) => Number(end.split(':').at(-1)));
      // The list may be long, and the kernel slow to tell it.
      await vi.waitFor(
        () => {
          expect(timerOf(port, peerPort)).toBe(KEEP_ALIVE);
          expect(timerOf(peerPort, port)).toBe(KEEP_ALIVE);
        },
        { timeout: LASTING, interval: 500 },
      );
    });

    test('a peer that reads late still gets all that was sent before close', async () => {
      const { near, far } = await pair('127.0.0.1:0');
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      onTestFinished(() => void vi.useRealTimers());
      near.connection.send(new Uint8Array(SIZE));
      near.connection.close();
      vi.advanceTimersByTime(5_000);
      far.onData = () => far.chunks.splice(0);
      far.connection.resume();
      await far.untilEnded();
      expect(far.received).toBe(SIZE);
    });

    for (const [reader, sender] of [
      ['far', 'near'],
      ['near', 'far'],
    ] as const)
      test(`half-close of both: ${reader} reads late and still gets all that ${sender} sent`, async () => {
        const ends = await pair('127.0.0.1:0');
        const [a, b] = [ends[reader], ends[sender]];
        a.connection.pause();
        b.connection.resume();
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
        onTestFinished(() => void vi.useRealTimers());
        b.connection.send(new Uint8Array(SIZE));
        b.connection.end();
        a.connection.end();
        await b.untilEnded();
        vi.advanceTimersByTime(20_000);
        expect(a.events).toEqual([]);
        a.onData = () => a.chunks.splice(0);
        a.connection.resume();
        expect(await a.untilClosed()).toBeNull();
        expect(a.received).toBe(SIZE);
        expect(await b.untilClosed()).toBeNull();
      });

    test('a peer that never reads does not keep a closed connection for ever', async () => {
      const { near } = await pair('127.0.0.1:0');
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      onTestFinished(() => void vi.useRealTimers());
      near.connection.send(new Uint8Array(SIZE));
      near.connection.close();
      vi.advanceTimersByTime(31_000);
      await near.untilClosed();
      expect(near.events).toEqual(['close']);
    });
  });
}
