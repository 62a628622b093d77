/**
 * WebSocket: binary messages carry the bytes, their borders mean nothing. WebSocket has no half-close of its
 * own, so an empty binary message says "no more from me" (proto/README.md, "On WebSocket"); when both sides
 * said it, the connection closes with 1000.
 */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import type {
  Connection,
  ConnectionHandlers,
  HandshakeFailure,
  HandshakeTracker,
  Listener,
  PendingHandshake,
  Transport,
} from '../ports/transport.ts';
import { type CloseReason, NORMAL, TEXT_REFUSED } from '../wire/close.ts';
import { parseHostPort, printHostPort } from './address.ts';
import { BACKLOG, KEEP_ALIVE_MS } from './tcp.ts';

/** The largest message taken; senders of this project keep below it. */
export const MAX_MESSAGE = 1_048_576;
const HIGH_WATER = 262_144;
/** How long the peer has to take what was sent before `close`. */
const FLUSH_MS = 30_000;
/** How long the peer has to answer a close frame. */
const LINGER_MS = 1_000;
/** How long a peer for which there is no room has to become a WebSocket, which can be told so. */
const NO_ROOM_MS = 2_000;

/** ms that a connection has to become a WebSocket. */
const HTTP_LIMITS = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };

const EMPTY = new Uint8Array(0);

class WsConnection implements Connection {
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

const LATE: HandshakeFailure = { late: true, why: 'no WebSocket handshake in time' };
const GARBAGE: HandshakeFailure = { late: false, why: 'the peer speaks neither HTTP nor WebSocket' };
const GONE: HandshakeFailure = { late: false, why: 'the connection ended before it was a WebSocket' };

/** Sockets that are no WebSocket yet; what becomes of each is told once. */
class PendingSockets {
  readonly #track: HandshakeTracker | undefined;
  readonly #handshakes = new WeakMap<object, PendingHandshake>();

  constructor(track: HandshakeTracker | undefined) {
    this.#track = track;
  }

  enter(socket: Socket): void {
    const handshake = this.#track?.(peerOf(socket));
    if (handshake === undefined) return;
    this.#handshakes.set(socket, handshake);
    socket.once('close', () => this.leave(socket, GONE));
    if (handshake.admitted) return;
    const limit = setTimeout(() => this.#handshakes.has(socket) && socket.destroy(), NO_ROOM_MS);
    socket.once('close', () => clearTimeout(limit));
  }

  /** Null: it is a WebSocket now, or was told that this is a port for them. */
  leave(socket: object, failure: HandshakeFailure | null): void {
    const handshake = this.#handshakes.get(socket);
    this.#handshakes.delete(socket);
    handshake?.end(failure);
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket) =>
  printHostPort({ host: remoteAddress ?? '?', port: remotePort ?? 0 });

export const ws: Transport = {
  listen(address, accept, track) {
    const { host, port } = parseHostPort(address);
    const pending = new PendingSockets(track);
    const http = createServer(HTTP_LIMITS, ({ socket }, response) => {
      response.writeHead(426, {
        'content-type': 'text/plain',
        upgrade: 'websocket',
        connection: 'upgrade, close',
      });
      response.end('This port speaks skewgate over WebSocket: connect with skewgate+ws://\n');
      pending.leave(socket, null);
    });
    http.on('connection', (socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      pending.enter(socket);
    });
    http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
      pending.leave(socket, late ? LATE : GARBAGE);
      if (socket.writable && !late) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
      else socket.destroy();
    });
    const sockets = new WebSocketServer({
      server: http,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE,
      allowSynchronousEvents: true,
    });
    sockets.on('connection', (socket, request) => {
      pending.leave(request.socket, null);
      accept(new WsConnection(socket, peerOf(request.socket)));
    });
    return new Promise<Listener>((resolve, reject) => {
      sockets.on('error', () => {});
      http.once('error', reject);
      http.listen({ host, port, backlog: BACKLOG }, () => {
        http.removeListener('error', reject);
        http.on('error', () => {});
        const bound = http.address() as AddressInfo;
        resolve({
          address: printHostPort({ host: bound.address, port: bound.port }),
          close: async () => {
            http.close();
            // Those that never became a WebSocket; the others are no longer this server's.
            http.closeAllConnections();
          },
        });
      });
    });
  },

  dial(address, { signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new Error(`gave up dialling ${address}`));
      const socket = new WebSocket(`ws://${address}`, {
        perMessageDeflate: false,
        maxPayload: MAX_MESSAGE,
        allowSynchronousEvents: true,
      });
      const abort = () => {
        socket.once('error', () => {});
        socket.terminate();
        failed(new Error(`gave up dialling ${address}`));
      };
      const settle = () => signal?.removeEventListener('abort', abort);
      const failed = (error: Error) => {
        settle();
        reject(error);
      };
      signal?.addEventListener('abort', abort);
      socket.once('error', failed);
      socket.once('upgrade', (response) => response.socket.setKeepAlive(true, KEEP_ALIVE_MS));
      socket.once('open', () => {
        settle();
        socket.removeListener('error', failed);
        resolve(new WsConnection(socket, address));
      });
    });
  },
};
