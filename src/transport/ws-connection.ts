/** One WebSocket as a stream of bytes: what `Connection` promises, on top of `ws`. */
import { type RawData, WebSocket } from 'ws';
import type { Connection, ConnectionHandlers } from '../ports/transport.ts';
import { type CloseReason, NORMAL, TEXT_REFUSED } from '../wire/close.ts';

/** The largest message taken, bytes; senders of this project keep below it. */
export const MAX_MESSAGE = 1_048_576;
/** For either end. A compressed message could be far larger than what its peer paid for. */
export const WS_OPTIONS = { perMessageDeflate: false, maxPayload: MAX_MESSAGE, allowSynchronousEvents: true };

const HIGH_WATER = 262_144;
/** How long the peer has to take what was sent before `close`. */
const FLUSH_MS = 30_000;
/** How long the peer has to answer a close frame. */
const LINGER_MS = 1_000;

const EMPTY = new Uint8Array(0);

/** @param socket open, or about to be, and not read from yet */
export class WsConnection implements Connection {
  readonly peer: string;
  readonly #socket: WebSocket;
  #handlers: ConnectionHandlers | null = null;
  #error: Error | null = null;
  /** What one read from the socket still held when `pause` was called. */
  #inbox: Uint8Array[] = [];
  #paused = true;
  #delivering = false;
  #closed = false;
  #told = false;
  #closing = false;
  #ended = false;
  #peerEnded = false;
  #full = false;
  #unsent = 0;

  constructor(socket: WebSocket, peer: string) {
    this.#socket = socket;
    this.peer = peer;
    socket.pause();
    socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', (code) => this.#gone(code));
  }

  handle(handlers: ConnectionHandlers): void {
    const first = this.#handlers === null;
    this.#handlers = handlers;
    if (!first) return;
    if (this.#closed) queueMicrotask(() => this.resume());
    else this.resume();
  }

  send(bytes: Uint8Array): boolean {
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN || bytes.length === 0) return true;
    for (let at = 0; at < bytes.length; at += MAX_MESSAGE) this.#post(bytes.subarray(at, at + MAX_MESSAGE));
    this.#full = this.#socket.bufferedAmount > HIGH_WATER;
    return !this.#full;
  }

  end(): void {
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#ended = true;
    this.#post(EMPTY);
    if (this.#peerEnded) this.close(NORMAL);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
    if (!this.#paused) this.#socket.resume();
  }

  close(closeReason: CloseReason = NORMAL): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#inbox = [];
    this.#paused = false;
    this.#socket.resume();
    this.#socket.close(closeReason.code, closeReason.reason);
    this.#cutAfter(FLUSH_MS);
    if (this.#unsent === 0) this.#cutAfter(LINGER_MS);
  }

  destroy(): void {
    this.#socket.terminate();
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#closing) return;
    if (!isBinary) return this.close(TEXT_REFUSED);
    this.#inbox.push(data as Buffer);
    this.#deliver();
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    while (!this.#paused && this.#inbox.length > 0) this.#take(this.#inbox.shift() as Uint8Array);
    this.#delivering = false;
    if (!this.#closed || this.#told || this.#handlers === null || this.#inbox.length > 0) return;
    this.#told = true;
    this.#handlers.close(this.#error);
  }

  #take(bytes: Uint8Array): void {
    if (this.#peerEnded) return;
    if (bytes.length > 0) return this.#handlers?.data(bytes);
    this.#peerEnded = true;
    this.#handlers?.end();
    if (this.#ended) this.close(NORMAL);
  }

  #post(message: Uint8Array): void {
    this.#unsent++;
    this.#socket.send(message, () => this.#sent());
  }

  #sent(): void {
    if (--this.#unsent === 0 && this.#closing) this.#cutAfter(LINGER_MS);
    if (!this.#full || this.#closing || this.#closed || this.#socket.bufferedAmount > HIGH_WATER) return;
    this.#full = false;
    this.#handlers?.drain();
  }

  #cutAfter(ms: number): void {
    if (this.#closed) return;
    const timer = setTimeout(() => this.#socket.terminate(), ms);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #gone(code: number): void {
    this.#closed = true;
    // A peer that closes without having said "no more" tore the connection down, unless it did so politely.
    if (this.#error === null && code === 1006 && !(this.#ended && this.#peerEnded))
      this.#error = new Error('the WebSocket was cut');
    this.#deliver();
  }
}
