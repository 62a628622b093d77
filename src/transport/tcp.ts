/** Plain TCP. */
import net from 'node:net';
import type { Connection, ConnectionHandlers, Listener, Transport } from '../ports/transport.ts';
import { parseHostPort, printHostPort } from './address.ts';

/** How long the peer has to take what was sent before `close`. */
const FLUSH_MS = 30_000;
/** How long a connection whose last bytes are out goes on reading, so that a reset does not eat them. */
const LINGER_MS = 1_000;

/** Peers that may wait to be accepted, where the kernel allows so many: when all come back at once, none is lost. */
export const BACKLOG = 4_096;
/** Silence after which a peer is asked whether it is still there; ten times, a second apart (Node's own figures). */
export const KEEP_ALIVE_MS = 60_000;

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
    this.peer = printHostPort({ host: socket.remoteAddress ?? '?', port: socket.remotePort ?? 0 });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
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
  }

  resume(): void {
    this.#paused = false;
    this.#tellEnd();
    this.#socket.resume();
  }

  close(): void {
    if (this.#closing || this.#socket.destroyed) return;
    this.#closing = true;
    this.#endDue = false;
    const socket = this.#socket;
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

  /** With a reset: a FIN would look like an orderly end. While a FIN is on its way no reset is possible. */
  destroy(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    this.#endDue = false;
    const ending = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
    if (ending) socket.destroy();
    else socket.resetAndDestroy();
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

export const tcp: Transport = {
  listen(address, accept) {
    const { host, port } = parseHostPort(address);
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      accept(new TcpConnection(socket)),
    );
    return new Promise<Listener>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: BACKLOG }, () => {
        server.removeListener('error', reject);
        // An accept that fails (no descriptor left) is not the end of the listener.
        server.on('error', () => {});
        const bound = server.address() as net.AddressInfo;
        resolve({
          address: printHostPort({ host: bound.address, port: bound.port }),
          close: () =>
            new Promise((closed) => {
              server.close();
              closed();
            }),
        });
      });
    });
  },

  dial(address, { signal } = {}) {
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
  },
};
