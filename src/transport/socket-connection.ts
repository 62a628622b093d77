/**
 * A connection on a socket, whatever its protocol: how it is read from and written to, and the order in which its
 * handlers hear of things.
 */
import type net from 'node:net';
import type { Connection, ConnectionHandlers } from '../ports/transport.ts';
import type { CloseReason } from '../wire/close.ts';
import { forget, keepAliveIfLasting, type Lasting } from './keep-alive.ts';
import { moveToShared } from './lending.ts';
import { unwatch, watchForReset } from './reset-watch.ts';
import { breakOff, keepAlive } from './socket.ts';

/** How long the peer has to take what was sent before `close`. */
export const FLUSH_MS = 30_000;
/** How long a connection whose last bytes are out goes on reading, so that a reset does not eat them. */
export const LINGER_MS = 1_000;

/** A read of so many bytes makes a connection a busy one, which reads on loan if its handlers take that. */
const BUSY_BYTES = 16_384;

const CONNECTION = Symbol('connection');
type Carrier = net.Socket & { [CONNECTION]: SocketConnection };

/** A protocol says what of the bytes is data (`receive`), how the peer's side ends, and how this side does. */
export abstract class SocketConnection implements Connection, Lasting {
  readonly peer: string;
  protected socket: net.Socket;
  protected error: Error | null = null;
  protected closing = false;
  #handlers: ConnectionHandlers | null = null;
  #paused = true;
  /** The last write found no room. */
  #full = false;
  /** The socket reads into a buffer that is used again. */
  #lends = false;
  /** The peer ended, and the handlers were not told yet: Node says so to a paused reader too. */
  #endDue = false;
  #closed = false;

  /** @param socket is not read from before the first `handle` */
  constructor(socket: net.Socket, peer: string) {
    this.socket = socket;
    this.peer = peer;
    keepAliveIfLasting(this);
    socket.pause();
    socket.on('data', onData);
    this.#listen();
  }

  abstract send(bytes: Uint8Array): boolean;
  abstract sendLent(bytes: Uint8Array): boolean;
  abstract end(): void;
  abstract close(closeReason?: CloseReason): void;

  /** Takes what was read. The bytes may be changed; they are on loan until it returns. */
  protected abstract receive(bytes: Buffer): void;
  /** The peer's side of the socket is at its end. */
  protected abstract finish(): void;

  handle(handlers: ConnectionHandlers): void {
    const first = this.#handlers === null;
    this.#handlers = handlers;
    if (!first) return;
    if (this.#closed) queueMicrotask(() => this.#tellClose());
    else this.resume();
  }

  pause(): void {
    this.#paused = true;
    this.socket.pause();
    watchForReset(this.socket, this.ping);
  }

  resume(): void {
    this.#paused = false;
    unwatch(this.socket);
    this.#tellEnd();
    this.socket.resume();
  }

  destroy(): void {
    this.#endDue = false;
    breakOff(this.socket);
  }

  keepAlive(): void {
    keepAlive(this.socket);
  }

  /** Called when the socket has read. @internal */
  onData(bytes: Buffer): void {
    this.receive(bytes);
    // Not at once: the socket is still in the middle of this read.
    if (bytes.length >= BUSY_BYTES && !this.#lends && this.#handlers?.lent !== undefined)
      queueMicrotask(() => this.#beginToLend());
  }

  /** Called at the end of what the peer sends. @internal */
  onEnd(): void {
    this.finish();
  }

  /** Called when all that was written is on its way. @internal */
  onDrain(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#handlers?.drain();
  }

  /** Called when the socket broke, before it is closed. @internal */
  onError(error: Error): void {
    this.error ??= error;
  }

  /** Called when the socket is gone. @internal */
  onClose(): void {
    this.#closed = true;
    unwatch(this.socket);
    forget(this);
    if (this.#handlers !== null) this.#tellClose();
  }

  /** What a paused connection sends from time to time, so that a peer which is gone answers with a reset. */
  protected get ping(): (() => void) | undefined {
    return undefined;
  }

  /** How the connection ended, once it has. */
  protected get outcome(): Error | null {
    return this.error;
  }

  protected get isFull(): boolean {
    return this.#full;
  }

  /** Gives the handlers data, unless this side has closed. */
  protected deliver(bytes: Uint8Array): void {
    if (this.closing || bytes.length === 0) return;
    const handlers = this.#handlers;
    if (!this.#lends) handlers?.data(bytes);
    else if (handlers?.lent !== undefined) handlers.lent(bytes);
    else handlers?.data(Buffer.from(bytes));
  }

  /** Tells the handlers that the peer ended, now or once they read again. */
  protected deliverEnd(): void {
    this.#endDue = !this.closing;
    if (!this.#paused) this.#tellEnd();
  }

  /** Called once the handlers know that the peer ended. */
  protected afterEnd(): void {}

  /**
   * Writes, whether there is room or not.
   * @param written called once the memory of the bytes may change
   * @returns whether there is room for more: what the kernel left, which takes most writes whole
   */
  protected write(bytes: Uint8Array, written?: () => void): boolean {
    const { socket } = this;
    if (!socket.writable) {
      written?.();
      return true;
    }
    socket.write(bytes, written);
    return this.hasRoom();
  }

  /** Whether there is room for more; if not, `drain` follows. */
  protected hasRoom(): boolean {
    this.#full = this.socket.writableLength >= this.socket.writableHighWaterMark;
    return !this.#full;
  }

  /** From now on what comes is dropped, whether or not anybody was reading. */
  protected beginToClose(): void {
    this.closing = true;
    this.#endDue = false;
    unwatch(this.socket);
    this.socket.resume();
  }

  /** Ends this side of the socket; destroys it once the peer has ended too, or does not within its time. */
  protected shut(): void {
    const { socket } = this;
    socket.end();
    this.cutAfter(FLUSH_MS);
    if (socket.readableEnded) return socket.destroySoon();
    socket.once('end', () => socket.destroySoon());
    if (socket.writableFinished) this.cutAfter(LINGER_MS);
    else socket.once('finish', () => this.cutAfter(LINGER_MS));
  }

  /** Destroys the socket if it is still there in `ms`. */
  protected cutAfter(ms: number): void {
    const { socket } = this;
    if (socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.once('close', () => clearTimeout(timer));
  }

  /** Only in a moment in which nothing is on its way through the old socket; the next large read tries again. */
  #beginToLend(): void {
    const { destroyed, readableEnded, readableLength, writableEnded, writableLength } = this.socket;
    const isBusy = destroyed || readableEnded || writableEnded || readableLength > 0 || writableLength > 0;
    if (this.#lends || this.#paused || this.#full || this.closing || this.#endDue || isBusy) return;
    this.#lends = true;
    this.socket = moveToShared(this.socket, (bytes) => this.receive(bytes));
    this.#listen();
    this.socket.resume();
  }

  /** Functions that all sockets share: a connection may be one of many thousands. */
  #listen(): void {
    const { socket } = this;
    (socket as Carrier)[CONNECTION] = this;
    socket.on('end', onEnd).on('drain', onDrain).on('error', onError).on('close', onClose);
  }

  #tellEnd(): void {
    if (!this.#endDue) return;
    this.#endDue = false;
    this.#handlers?.end();
    this.afterEnd();
  }

  #tellClose(): void {
    this.#tellEnd();
    this.#handlers?.close(this.outcome);
  }
}

function onData(this: net.Socket, bytes: Buffer): void {
  (this as Carrier)[CONNECTION].onData(bytes);
}

function onEnd(this: net.Socket): void {
  (this as Carrier)[CONNECTION].onEnd();
}

function onDrain(this: net.Socket): void {
  (this as Carrier)[CONNECTION].onDrain();
}

function onError(this: net.Socket, error: Error): void {
  (this as Carrier)[CONNECTION].onError(error);
}

function onClose(this: net.Socket): void {
  (this as Carrier)[CONNECTION].onClose();
}
