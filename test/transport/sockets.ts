/** What transports on real sockets have to do beyond the contract. */
import { networkInterfaces } from 'node:os';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Connection, Transport } from '../../src/ports/transport.ts';
import { Recorder } from '../support/recorder.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);
const SIZE = 24 * 1_048_576;

export function describeSockets(name: string, transport: Transport): void {
  /** `far` is paused. */
  async function pair(address: string): Promise<{ near: Recorder; far: Recorder; listening: string }> {
    const accepted = Promise.withResolvers<Connection>();
    const listener = await transport.listen(address, accepted.resolve);
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
