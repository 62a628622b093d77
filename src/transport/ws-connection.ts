/**
 * One WebSocket: what `Connection` promises, on top of `ws`. Its messages carry a stream of bytes, or are handed on
 * whole.
 */
import type { Socket } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import {
  type Connection,
  type ConnectionHandlers,
  PeerFault,
  type UpgradeAnswer,
} from '../ports/transport.ts';
import { type CloseReason, NORMAL, TEXT_REFUSED, TOO_LONG } from '../wire/close.ts';
import { unwatch, watchForReset } from './reset-watch.ts';
import { breakOff } from './socket.ts';
import { type InboundMessage, Inbox } from './ws-inbox.ts';

/** The largest message taken, bytes; senders of this project keep below it. */
export const MAX_MESSAGE = 1_048_576;
/** For either end. A compressed message could be far larger than what its peer paid for. */
export const WS_OPTIONS = { perMessageDeflate: false, maxPayload: MAX_MESSAGE, allowSynchronousEvents: true };

const HIGH_WATER = 262_144;
/** How long the peer has to take what was sent before `close`. */
const FLUSH_MS = 30_000;
/** How long the peer of a connection that this side breaks off has to answer the close frame. */
const LINGER_MS = 1_000;

/** The most that the headers of a message's frames take: 6 bytes each, and `ws` takes no more than 16,384 of them. */
const MAX_FRAMING = 6 * 16_384;

/** A close frame without a code counts as one with this (RFC 6455, 7.1.5). */
const NO_STATUS = 1005;

const EMPTY = new Uint8Array(0);

/** An open WebSocket that was not read from yet. */
export class WsConnection implements Connection {
  readonly peer: string;
  readonly answer?: UpgradeAnswer;
  readonly #socket: WebSocket;
  /** What carries the WebSocket. */
  readonly #raw: Socket;
  readonly #whole: boolean;
  readonly #inbox = new Inbox(() => this.#readOn());
  #handlers: ConnectionHandlers | null = null;
  #error: Error | null = null;
  #closeReason: CloseReason | undefined;
  #paused = true;
  #delivering = false;
  #closed = false;
  #told = false;
  #closing = false;
  #ended = false;
  #peerEnded = false;
  #full = false;
  #unsent = 0;
  /** The longest message taken; null: `MAX_MESSAGE`. */
  #limit: number | null = null;
  /** Bytes that came since the last whole message, the headers of frames among them. */
  #incomplete = 0;

  /** @param whole whether messages are handed on as they are; otherwise they carry a stream of bytes */
  constructor(socket: WebSocket, raw: Socket, peer: string, whole = false, answer?: UpgradeAnswer) {
    if (answer !== undefined) this.answer = answer;
    this.#socket = socket;
    this.#raw = raw;
    this.peer = peer;
    this.#whole = whole;
    socket.pause();
    socket.on('message', (data, isBinary) => this.#message(data as RawData & Buffer, isBinary));
    socket.on('error', (error) => {
      this.#error ??= faultOf(error);
    });
    socket.on('close', (code, reason) => this.#gone(code, reason.toString()));
  }

  handle(handlers: ConnectionHandlers): void {
    const first = this.#handlers === null;
    this.#handlers = handlers;
    if (!first) return;
    if (this.#closed) queueMicrotask(() => this.resume());
    else this.resume();
  }

  limitMessages(bytes: number | null): void {
    this.#limit = bytes;
    this.#incomplete = 0;
    this.#raw.off('data', this.#count);
    // Before `ws` sees them: what completes a message is not counted to the next.
    if (bytes !== null) this.#raw.prependListener('data', this.#count);
  }

  send(bytes: Uint8Array, text = false): boolean {
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN) return true;
    if (this.#whole) this.#post(bytes, text);
    else
      for (let at = 0; at < bytes.length; at += MAX_MESSAGE) this.#post(bytes.subarray(at, at + MAX_MESSAGE));
    this.#full = this.#socket.bufferedAmount > HIGH_WATER;
    return !this.#full;
  }

  sendLent(bytes: Uint8Array): boolean {
    return this.send(Buffer.from(bytes));
  }

  end(): void {
    if (this.#whole) return this.close(NORMAL);
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#ended = true;
    this.#post(EMPTY);
    if (this.#peerEnded) this.close(NORMAL);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
    watchForReset(this.#raw, () => {
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
    });
  }

  resume(): void {
    this.#paused = false;
    unwatch(this.#raw);
    this.#readOn();
  }

  close(closeReason: CloseReason = NORMAL): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#inbox.clear();
    this.#paused = false;
    unwatch(this.#raw);
    this.#socket.resume();
    if (closeReason.code === NO_STATUS) this.#socket.close();
    else this.#socket.close(closeReason.code, closeReason.reason);
    this.#cutAfter(FLUSH_MS);
    this.#linger();
  }

  destroy(): void {
    breakOff(this.#raw);
  }

  /** Both said that they send nothing more. */
  get #isOver(): boolean {
    return this.#ended && this.#peerEnded;
  }

  #message(bytes: Buffer, isBinary: boolean): void {
    this.#incomplete = 0;
    if (this.#closing) return;
    if (!isBinary && !this.#whole)
      return this.#refuse(TEXT_REFUSED, 'a text message: this port takes binary messages');
    if (this.#limit !== null && bytes.length > this.#limit) return this.#refuseLong();
    this.#inbox.push({ bytes, text: !isBinary });
    this.#deliver();
    // The rest of what was read waits for the next turn; more of it is not read until then.
    if (!this.#inbox.isEmpty) this.#socket.pause();
  }

  readonly #count = ({ length }: Buffer): void => {
    if (this.#limit !== null && this.#incomplete > this.#limit + MAX_FRAMING) this.#refuseLong();
    this.#incomplete += length;
  };

  #refuseLong(): void {
    const limit = this.#limit ?? MAX_MESSAGE;
    this.#refuse(TOO_LONG, `a message of more than ${limit} bytes`);
  }

  /** @param fault a clause: what the peer did */
  #refuse(closeReason: CloseReason, fault: string): void {
    if (this.#closing) return;
    this.#error ??= new PeerFault(fault);
    this.close(closeReason);
  }

  /** Delivers what is there, then reads more. */
  #readOn(): void {
    this.#deliver();
    if (!this.#paused && this.#inbox.isEmpty) this.#socket.resume();
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    while (!this.#paused) {
      const message = this.#inbox.take();
      if (message === null) break;
      this.#take(message);
    }
    this.#delivering = false;
    if (!this.#closed || this.#told || this.#handlers === null || !this.#inbox.isEmpty) return;
    this.#told = true;
    this.#handlers.close(this.#error, this.#closeReason);
  }

  #take({ bytes, text }: InboundMessage): void {
    if (this.#whole) return this.#handlers?.data(bytes, text);
    if (this.#peerEnded) return;
    if (bytes.length > 0) return this.#handlers?.data(bytes);
    this.#peerEnded = true;
    this.#handlers?.end();
    if (this.#ended) this.close(NORMAL);
  }

  #post(message: Uint8Array, text = false): void {
    this.#unsent++;
    this.#socket.send(message, { binary: !text }, () => this.#sent());
  }

  #sent(): void {
    this.#unsent--;
    if (this.#closing) this.#linger();
    if (!this.#full || this.#closing || this.#closed || this.#socket.bufferedAmount > HIGH_WATER) return;
    this.#full = false;
    this.#handlers?.drain();
  }

  /**
   * Once all is in the kernel. Not after an end in order, nor where messages are handed on whole and a close is all the
   * end there is: there may be much in the kernel that the peer wants, and a socket that is gone by the time it is read
   * would answer the peer's next ping with a reset.
   */
  #linger(): void {
    if (this.#unsent === 0 && !this.#isOver && !this.#whole) this.#cutAfter(LINGER_MS);
  }

  #cutAfter(ms: number): void {
    if (this.#closed) return;
    const timer = setTimeout(() => this.#socket.terminate(), ms);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #gone(code: number, reason: string): void {
    this.#closed = true;
    if (this.#whole) this.#closeReason = { code, reason };
    unwatch(this.#raw);
    // A peer that closes without having said "no more" tore the connection down, unless it did so politely.
    if (code === 1006 && !this.#isOver) this.#error ??= new Error('the WebSocket was cut');
    // Who is paused hears at once that the connection broke; what came before is lost, as on TCP.
    if (this.#error !== null && this.#paused) this.#inbox.clear();
    this.#deliver();
  }
}

/** What `ws` says of a peer's frames is the peer's fault; everything else happened to the connection. */
function faultOf(error: Error): Error {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!code.startsWith('WS_ERR_')) return error;
  const isLong = code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
  const what = isLong
    ? `a message of more than ${MAX_MESSAGE} bytes`
    : `no valid WebSocket (${error.message})`;
  return new PeerFault(what, { cause: error });
}
