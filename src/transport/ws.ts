/**
 * WebSocket: binary messages carry the bytes, their borders mean nothing. WebSocket has no half-close of its
 * own, so an empty binary message says "no more from me" (proto/README.md, "On WebSocket"); when both sides
 * said it, the connection closes with 1000. Between a client and a server that know nothing of this, messages are
 * handed on whole: see `Connection.upgrade` and `Connection.answer`.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type {
  Connection,
  DialOptions,
  Transport,
  UpgradeAnswer,
  UpgradeRequest,
} from '../ports/transport.ts';
import { keepAlive } from './socket.ts';
import { WS_OPTIONS, WsConnection } from './ws-connection.ts';
import { listenForWebSockets } from './ws-listener.ts';
import { RefusedConnection, upgradeAnswerOf } from './ws-upgrade.ts';

/** WebSocket. Addresses are `HOST:PORT`, when dialled with a path and query behind. */
export function createWsTransport(): Transport {
  return { listen: listenForWebSockets, dial };
}

function dial(address: string, { signal, request }: DialOptions = {}): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Error(`gave up dialling ${address}`));
    const attempt = new DialAttempt(address, request);
    const abort = () => {
      attempt.socket.once('error', () => {});
      attempt.socket.terminate();
      failed(new Error(`gave up dialling ${address}`));
    };
    const settle = () => signal?.removeEventListener('abort', abort);
    const failed = (error: Error) => {
      settle();
      reject(error);
    };
    signal?.addEventListener('abort', abort);
    attempt.connected.then((connection) => {
      settle();
      resolve(connection);
    }, failed);
  });
}

/** One WebSocket on its way to be one. */
class DialAttempt {
  readonly socket: WebSocket;
  /** Rejects if the server can't be reached, or is none; what it answers to a client's request is that client's. */
  readonly connected: Promise<Connection>;
  readonly #address: string;
  readonly #request: UpgradeRequest | undefined;
  /** Whether the server took the connection. */
  #isReached = false;
  #raw: Socket | null = null;
  #answer: UpgradeAnswer | undefined;

  constructor(address: string, request: UpgradeRequest | undefined) {
    this.#address = address;
    this.#request = request;
    this.socket = new WebSocket(`ws://${address}`, {
      ...WS_OPTIONS,
      headers: { ...request?.headers },
      finishRequest: (outgoing: ClientRequest) => this.#ask(outgoing),
    });
    this.connected = new Promise((resolve, reject) => {
      const failed = (error: Error) => {
        if (request === undefined || !this.#isReached) reject(error);
        else resolve(this.#refused(502));
      };
      this.socket.once('error', failed);
      if (request !== undefined)
        this.socket.once('unexpected-response', (outgoing, response) => {
          this.socket.on('error', () => {});
          outgoing.destroy();
          resolve(this.#refused(response.statusCode ?? 502, response));
        });
      this.socket.once('upgrade', (response) => this.#upgraded(response));
      this.socket.once('open', () => {
        this.socket.removeListener('error', failed);
        const whole = request !== undefined;
        resolve(new WsConnection(this.socket, this.#raw as Socket, address, whole, this.#answer));
      });
    });
  }

  #ask(outgoing: ClientRequest): void {
    outgoing.once('socket', (socket) => socket.once('connect', () => (this.#isReached = true)));
    // A client that names no path means the one that the config gives the server.
    if (this.#request !== undefined && this.#request.target !== '/') outgoing.path = this.#request.target;
    outgoing.end();
  }

  #upgraded(response: IncomingMessage): void {
    this.#raw = response.socket;
    keepAlive(response.socket);
    if (this.#request === undefined) return;
    this.#answer = upgradeAnswerOf(101, response.headers);
    // Whether it was offered is for the client to judge; `ws` offered none of its own.
    delete response.headers['sec-websocket-protocol'];
  }

  #refused(status: number, response?: IncomingMessage): Connection {
    return new RefusedConnection(this.#address, upgradeAnswerOf(status, response?.headers ?? {}));
  }
}
