/** Plain TCP. */
import net from 'node:net';
import type { Connection, ConnectionHandlers, DialOptions, Transport } from '../ports/transport.ts';
import { parseHostPort } from './address.ts';
import { copyOf } from './copies.ts';
import { forget, keepAliveIfLasting, type Lasting } from './keep-alive.ts';
import { canLend, moveToShared } from './lending.ts';
import { unwatch, watchForReset } from './reset-watch.ts';
import { bind, breakOff, keepAlive, peerOf } from './socket.ts';

/** How long the peer has to take what was sent before `close`. */
const FLUSH_MS = 30_000;
/** How long a connection whose last bytes are out goes on reading, so that a reset does not eat them. */
const LINGER_MS = 1_000;

/** A read of so many bytes makes a connection a busy one, which reads on loan if its handlers take that. */
const BUSY_BYTES = 16_384;

class TcpConnection implements Connection, Lasting {
  readonly peer: string;
  #socket: net.Socket;
  #handlers: ConnectionHandlers | null = null;
  #error: Error | null = null;
  #paused = true;
  /** The last `send` found no room. */
  #full = false;
  /** The socket reads into a buffer that is used again. */
  #lends = false;
  /** The peer ended, and the handlers were not told yet: Node says so to a paused reader too. */
  #endDue = false;
  #closing = false;
  #closed = false;

  constructor(socket: net.Socket, peer: string) {
    this.#socket = socket;
    this.peer = peer;
    keepAliveIfLasting(this);
    socket.pause();
    socket.on('data', (bytes) => this.#received(bytes));
    this.#listen(socket);
  }

  handle(handlers: ConnectionHandlers): void {
    const first = this.#handlers === null;
    this.#handlers = handlers;
    if (!first) return;
    if (this.#closed) queueMicrotask(() => this.#tellClose());
    else this.resume();
  }

  send(bytes: Uint8Array): boolean {
    return this.#write(bytes, undefined);
  }

  sendLent(bytes: Uint8Array): boolean {
    const { bytes: copy, release } = copyOf(bytes);
    return this.#write(copy, release ?? undefined);
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

  keepAlive(): void {
    keepAlive(this.#socket);
  }

  #listen(socket: net.Socket): void {
    socket.on('end', () => {
      this.#endDue = !this.#closing;
      if (!this.#paused) this.#tellEnd();
    });
    socket.on('drain', () => {
      if (!this.#full) return;
      this.#full = false;
      this.#handlers?.drain();
    });
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => {
      this.#closed = true;
      unwatch(socket);
      forget(this);
      if (this.#handlers !== null) this.#tellClose();
    });
  }

  #received(bytes: Buffer): void {
    if (this.#closing) return;
    this.#handlers?.data(bytes);
    // Not at once: the old socket is still in the middle of this read.
    if (bytes.length >= BUSY_BYTES && this.#handlers?.lent !== undefined)
      queueMicrotask(() => this.#beginToLend());
  }

  #receivedOnLoan(bytes: Buffer): void {
    if (this.#closing) return;
    if (this.#handlers?.lent !== undefined) this.#handlers.lent(bytes);
    else this.#handlers?.data(Buffer.from(bytes));
  }

  /** Only in a moment in which nothing is on its way through the old socket; the next large read tries again. */
  #beginToLend(): void {
    const socket = this.#socket;
    const { destroyed, readableEnded, readableLength, writableEnded, writableLength } = socket;
    const isBusy = destroyed || readableEnded || writableEnded || readableLength > 0 || writableLength > 0;
    if (this.#lends || this.#paused || this.#full || this.#closing || this.#endDue || isBusy) return;
    this.#lends = true;
    this.#socket = moveToShared(socket, (bytes) => this.#receivedOnLoan(bytes));
    this.#listen(this.#socket);
    this.#socket.resume();
  }

  /** Room is what the kernel left after the write, which takes most of them whole. */
  #write(bytes: Uint8Array, written: (() => void) | undefined): boolean {
    const socket = this.#socket;
    if (!socket.writable) {
      written?.();
      return true;
    }
    socket.write(bytes, written);
    this.#full = socket.writableLength >= socket.writableHighWaterMark;
    return !this.#full;
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
    async listen(address, { accept, shared }) {
      const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
      const server = net.createServer(options, (socket) => accept(new TcpConnection(socket, peerOf(socket))));
      return {
        address: await bind(server, address, shared),
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
