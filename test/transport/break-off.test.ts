/** Any socket can be torn down: TCP with a reset, TLS, which knows none, without its close_notify. */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { breakOff } from '../../src/transport/socket.ts';

/** TLS without certificates: both sides know a key. */
const TLS = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } as const;
const psk = Buffer.alloc(16, 7);

/** The server's end of a connection, and what its client saw by the time it was closed. */
async function pair(
  server: net.Server | tls.Server,
  event: 'connection' | 'secureConnection',
  connect: (port: number) => net.Socket,
): Promise<{ ours: net.Socket; closed: Promise<{ ended: boolean; error: string | null }> }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const accepted = once(server, event);
  const client = connect((server.address() as net.AddressInfo).port);
  onTestFinished(() => void client.destroy());
  const seen = { ended: false, error: null as string | null };
  client.on('end', () => {
    seen.ended = true;
  });
  client.on('error', (error: NodeJS.ErrnoException) => {
    seen.error = error.code ?? error.message;
  });
  client.resume();
  const closed = new Promise<typeof seen>((resolve) => client.once('close', () => resolve(seen)));
  const [ours] = (await accepted) as [net.Socket];
  ours.on('error', () => {});
  return { ours, closed };
}

test('a TCP socket is reset', async () => {
  const { ours, closed } = await pair(net.createServer(), 'connection', (port) =>
    net.connect(port, '127.0.0.1'),
  );
  breakOff(ours);
  breakOff(ours);
  expect(await closed).toEqual({ ended: false, error: 'ECONNRESET' });
});

test('a TLS socket, which can not be reset, is gone all the same', async () => {
  const { ours, closed } = await pair(
    tls.createServer({ ...TLS, pskCallback: () => psk }),
    'secureConnection',
    (port) =>
      tls.connect({
        ...TLS,
        port,
        host: '127.0.0.1',
        pskCallback: () => ({ psk, identity: 'test' }),
        checkServerIdentity: () => undefined,
      }),
  );
  ours.write('half a mess');
  breakOff(ours);
  breakOff(ours);
  await closed;
  expect(ours.destroyed).toBe(true);
});
