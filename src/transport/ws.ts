/**
 * WebSocket: binary messages carry the bytes, their borders mean nothing. WebSocket has no half-close of its
 * own, so an empty binary message says "no more from me" (proto/README.md, "On WebSocket"); when both sides
 * said it, the connection closes with 1000.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import type { Connection, ConnectionHandlers, Listener, Transport } from '../ports/transport.ts';
import { type Farewell, NORMAL, TEXT_REFUSED } from '../wire/close.ts';
import { parseHostPort, printHostPort } from './address.ts';

/** The largest message taken; senders of this project keep below it. */
export const MAX_MESSAGE = 1_048_576;
const HIGH_WATER = 262_144;
/** How long the peer has to answer a close frame. */
const LINGER_MS = 1_000;

const EMPTY = new Uint8Array(0);

class WsConnection implements Connection {
  readonly peer: string;
  readonly #socket: WebSocket;
  #handlers: ConnectionHandlers | null = null;
  #error: Error | null = null;
  #closed = false;
  #closing = false;
  #ended = false;
  #peerEnded = false;
  #full = false;

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
    if (this.#closed) queueMicrotask(() => this.#handlers?.close(this.#error));
    else this.#socket.resume();
  }

  send(bytes: Uint8Array): boolean {
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN || bytes.length === 0) return true;
    for (let at = 0; at < bytes.length; at += MAX_MESSAGE)
      this.#socket.send(bytes.subarray(at, at + MAX_MESSAGE), () => this.#sent());
    this.#full = this.#socket.bufferedAmount > HIGH_WATER;
    return !this.#full;
  }

  end(): void {
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#ended = true;
    this.#socket.send(EMPTY);
    if (this.#peerEnded) this.close(NORMAL);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(farewell: Farewell = NORMAL): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.resume();
    this.#socket.close(farewell.code, farewell.reason);
    const timer = setTimeout(() => this.#socket.terminate(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#socket.terminate();
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#closing) return;
    if (!isBinary) return this.close(TEXT_REFUSED);
    const bytes = data as Buffer;
    if (bytes.length > 0) {
      if (!this.#peerEnded) this.#handlers?.data(bytes);
      return;
    }
    if (this.#peerEnded) return;
    this.#peerEnded = true;
    this.#handlers?.end();
    if (this.#ended) this.close(NORMAL);
  }

  #sent(): void {
    if (!this.#full || this.#socket.bufferedAmount > HIGH_WATER) return;
    this.#full = false;
    this.#handlers?.drain();
  }

  #gone(code: number): void {
    this.#closed = true;
    // A peer that closes without having said "no more" tore the connection down, unless it did so politely.
    if (this.#error === null && code === 1006 && !(this.#ended && this.#peerEnded))
      this.#error = new Error('the WebSocket was cut');
    this.#handlers?.close(this.#error);
  }
}

export const ws: Transport = {
  listen(address, accept) {
    const { host, port } = parseHostPort(address);
    const http = createServer((_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket', connection: 'upgrade' });
      response.end('This port speaks skewgate over WebSocket: connect with skewgate+ws://\n');
    });
    const sockets = new WebSocketServer({
      server: http,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE,
      allowSynchronousEvents: true,
    });
    sockets.on('connection', (socket, request) => {
      const { remoteAddress, remotePort } = request.socket;
      accept(new WsConnection(socket, printHostPort({ host: remoteAddress ?? '?', port: remotePort ?? 0 })));
    });
    return new Promise<Listener>((resolve, reject) => {
      sockets.on('error', () => {});
      http.once('error', reject);
      http.listen({ host, port }, () => {
        http.removeListener('error', reject);
        http.on('error', () => {});
        const bound = http.address() as AddressInfo;
        resolve({
          address: printHostPort({ host: bound.address, port: bound.port }),
          close: async () => {
            http.close();
            http.closeIdleConnections();
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
      socket.once('open', () => {
        settle();
        socket.removeListener('error', failed);
        resolve(new WsConnection(socket, address));
      });
    });
  },
};
