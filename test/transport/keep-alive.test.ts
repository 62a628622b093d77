/** What the kernel is told of a connection's peer: nothing for one that is over at once, and soon for one that lasts. */
import net from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Connection } from '../../src/ports/transport.ts';
import { createTcpTransport } from '../../src/transport/tcp.ts';

const HANDLERS = { data() {}, end() {}, drain() {}, close() {} };

/** Both ends of a connection. */
async function connect() {
  const transport = createTcpTransport();
  const accepted = Promise.withResolvers<Connection>();
  const listener = await transport.listen('127.0.0.1:0', { accept: accepted.resolve });
  const dialled = await transport.dial(listener.address);
  const ends = [dialled, await accepted.promise] as const;
  onTestFinished(async () => {
    for (const end of ends) end.destroy();
    await listener.close();
  });
  return { address: listener.address, ends };
}

function setUp() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const told = vi.spyOn(net.Socket.prototype, 'setKeepAlive');
  onTestFinished(() => {
    told.mockRestore();
    vi.useRealTimers();
  });
  return told;
}

test('a connection that lasts has the kernel ask whether its peer is still there, at both ends, once', async () => {
  const told = setUp();
  await connect();
  vi.advanceTimersByTime(1_999);
  expect(told).not.toHaveBeenCalled();
  vi.advanceTimersByTime(4_000);
  expect(told.mock.calls).toEqual([
    [true, 60_000],
    [true, 60_000],
  ]);
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveBeenCalledTimes(2);
  expect(vi.getTimerCount()).toBe(0);
});

test('one that is over before takes no system call for it, and is forgotten', async () => {
  const told = setUp();
  const { ends } = await connect();
  const closed = ends.map(
    (end) => new Promise<void>((resolve) => end.handle({ ...HANDLERS, close: () => resolve() })),
  );
  for (const end of ends) end.destroy();
  await Promise.all(closed);
  vi.advanceTimersByTime(60_000);
  expect(told).not.toHaveBeenCalled();
});

test('the peer of a dialled connection is the address that was dialled', async () => {
  const { address, ends } = await connect();
  expect(ends[0].peer).toBe(address);
  expect(ends[1].peer).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(ends[1].peer).not.toBe(address);
});
