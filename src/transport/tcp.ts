/** Plain TCP. */
import net from 'node:net';
import type { Connection, ConnectionHandlers, DialOptions, Transport } from '../ports/transport.ts';
import { parseHostPort } from './address.ts';
import { unwatch, watchForReset } from './reset-watch.ts';
import { bind, breakOff, keepAlive, peerOf } from './socket.ts';

/** How long the peer has to take what was sent before `close`. */
const FLUSH_MS = 30_000;
/** How long a connection whose last bytes are out goes on reading, so that a reset does not eat them. */
const LINGER_MS = 1_000;

class TcpConnection implements Connection {
  readonly peer: string;
  readonly #socket: net.Socket;
  #handlers: ConnectionHandlers | null = null;
  #error: Error | null = null;
  #paused = true;
  /** The peer ended, and the handlers were not told yet: Node says so to a paused reader too. */
  #endDue = false;
  #closing = false;
  #closed = false;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.peer = peerOf(socket);
    socket.setNoDelay(true);
    keepAlive(socket);
    socket.pause();
    socket.on('data', (bytes) => this.#handlers?.data(bytes));
    socket.on('end', () => {
      this.#endDue = !this.#closing;
      if (!this.#paused) this.#tellEnd();
    });
    socket.on('drain', () => this.#handlers?.drain());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => {
      this.#closed = true;
      unwatch(socket);
      if (this.#handlers !== null) this.#tellClose();
    });
  }

  handle(handlers: ConnectionHandlers): void {
    const first = this.#handlers === null;
    this.#handlers = handlers;
    if (!first) return;
    if (this.#closed) queueMicrotask(() => this.#tellClose());
    else this.resume();
  }

  send(bytes: Uint8Array): boolean {
    return this.#socket.writable ? this.#socket.write(bytes) : true;
  }

  end(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
    watchForReset(this.#socket);
  }

  resume(): void {
    this.#paused = false;
    unwatch(this.#socket);
    this.#tellEnd();
    this.#socket.resume();
  }

  close(): void {
    if (this.#closing || this.#socket.destroyed) return;
    this.#closing = true;
    this.#endDue = false;
    const socket = this.#socket;
    unwatch(socket);
    socket.removeAllListeners('data');
    socket.resume();
    socket.end();
    const flush = setTimeout(() => socket.destroy(), FLUSH_MS);
    socket.once('close', () => clearTimeout(flush));
    if (socket.readableEnded) return socket.destroySoon();
    socket.once('end', () => socket.destroySoon());
    const linger = () => {
      const timer = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once('close', () => clearTimeout(timer));
    };
    if (socket.writableFinished) linger();
    else socket.once('finish', linger);
  }

  destroy(): void {
    this.#endDue = false;
    breakOff(this.#socket);
  }

  #tellEnd(): void {
    if (!this.#endDue) return;
    this.#endDue = false;
    this.#handlers?.end();
  }

  #tellClose(): void {
    this.#tellEnd();
    this.#handlers?.close(this.#error);
  }
}

/** TCP: a connection is a stream of bytes. Addresses are `HOST:PORT`. */
export function createTcpTransport(): Transport {
  return {
    async listen(address, { accept }) {
      const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
        accept(new TcpConnection(socket)),
      );
      return {
        address: await bind(server, address),
        close: async () => void server.close(),
      };
    },
    dial,
  };
}

function dial(address: string, { signal }: DialOptions = {}): Promise<Connection> {
  const { host, port } = parseHostPort(address);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Error(`gave up dialling ${address}`));
    const socket = net.connect({ host, port, allowHalfOpen: true });
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
      resolve(new TcpConnection(socket));
    });
  });
}
