/** A TCP connection that is torn down right after it was ended leaves nothing behind. */
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createTcpTransport } from '../../src/transport/tcp.ts';
import { Recorder } from '../support/recorder.ts';

const tcp = createTcpTransport();

test('destroy while the end is on its way: the connection is told that it is closed, and its socket is gone', async () => {
  const accepted = Promise.withResolvers<Recorder>();
  const listener = await tcp.listen('127.0.0.1:0', {
    accept: (connection) => accepted.resolve(new Recorder(connection)),
  });
  onTestFinished(() => listener.close());
  const client = net.connect(Number(listener.address.split(':').at(-1)), '127.0.0.1');
  onTestFinished(() => void client.destroy());
  client.on('error', () => {});
  const server = await accepted.promise;
  const gone = new Promise((resolve) => client.once('close', resolve));
  server.connection.end();
  server.connection.destroy();
  expect(await server.untilClosed()).toBeNull();
  await gone;
});
