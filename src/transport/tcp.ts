/** Plain TCP. */
import net from 'node:net';
import type { Connection, DialOptions, Transport } from '../ports/transport.ts';
import { parseHostPort } from './address.ts';
import { copyOf } from './copies.ts';
import { canLend } from './lending.ts';
import { bind, peerOf, stopListening } from './socket.ts';
import { SocketConnection } from './socket-connection.ts';

class TcpConnection extends SocketConnection {
  send(bytes: Uint8Array): boolean {
    return this.write(bytes);
  }

  sendLent(bytes: Uint8Array): boolean {
    const { bytes: copy, release } = copyOf(bytes);
    return this.write(copy, release);
  }

  end(): void {
    const { readableEnded, writableLength } = this.socket;
    // Where nothing is left either way, closing tells the peer the same as half-closing and closing after it.
    if (readableEnded && writableLength === 0) this.socket.destroy();
    else this.socket.end();
  }

  close(): void {
    if (this.closing || this.socket.destroyed) return;
    this.beginToClose();
    this.shut();
  }

  protected receive(bytes: Buffer): void {
    this.deliver(bytes);
  }

  protected finish(): void {
    this.deliverEnd();
  }
}

/** TCP: a connection is a stream of bytes. Addresses are `HOST:PORT`. */
export function createTcpTransport(): Transport {
  return {
    async listen(address, { accept, ...options }) {
      const settings = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
      const server = net.createServer(settings, (socket) =>
        accept(new TcpConnection(socket, peerOf(socket))),
      );
      return {
        address: await bind(server, address, options),
        stopListening: () => stopListening(server),
        close: async () => void server.close(),
      };
    },
    dial,
    lends: canLend,
  };
}

function dial(address: string, { signal }: DialOptions = {}): Promise<Connection> {
  const { host, port } = parseHostPort(address);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Error(`gave up dialling ${address}`));
    const socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
    const abort = () => socket.destroy(new Error(`gave up dialling ${address}`));
    signal?.addEventListener('abort', abort);
    const settle = () => signal?.removeEventListener('abort', abort);
    const failed = (error: Error) => {
      settle();
      reject(error);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      settle();
      socket.removeListener('error', failed);
      resolve(new TcpConnection(socket, address));
    });
  });
}
