/**
 * Connections of one admin side at once. Where there are too many, the one goes that has waited longest without asking
 * for anything whole: silent ones, and those whose request drips in, go before whoever gets an answer, so that however
 * many come, somebody who asks at once is heard.
 */
import type { Server, Socket } from 'node:net';

/** By what a connection is known on both sides of its TLS; a Unix socket's has no port, and is known as itself. */
type Key = string | Socket;

const keyOf = (socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): Key =>
  socket.remotePort === undefined ? (socket as Socket) : `${socket.remoteAddress} ${socket.remotePort}`;

/** Bounds them. */
export class ConnectionLimit {
  readonly #most: number;
  /** Those that wait for nothing from here, the ones that have done so for longest first. */
  readonly #idle = new Map<Key, Socket>();
  /** Those that are being answered. */
  readonly #busy = new Map<Key, Socket>();

  /** @param most connections at once */
  constructor(most: number) {
    this.#most = most;
  }

  /** Connections that there are. */
  get size(): number {
    return this.#idle.size + this.#busy.size;
  }

  /** Has a server's connections bounded from now on. */
  guard(server: Server): void {
    server.on('connection', (socket: Socket) => this.#take(socket));
  }

  /** A request has come as a whole, and is going to be answered. */
  begin(socket: Socket): void {
    this.#move(socket, this.#idle, this.#busy);
  }

  /** It was answered. */
  end(socket: Socket): void {
    this.#move(socket, this.#busy, this.#idle);
  }

  #take(socket: Socket): void {
    // It is known by its addresses, which it loses with its end.
    const key = keyOf(socket);
    this.#idle.set(key, socket);
    socket.once('close', () => {
      if (this.#idle.get(key) === socket) this.#idle.delete(key);
      if (this.#busy.get(key) === socket) this.#busy.delete(key);
    });
    if (this.size <= this.#most) return;
    const [[oldestKey, oldest] = [key, socket]] = this.#idle;
    this.#idle.delete(oldestKey);
    oldest.destroy();
  }

  #move(socket: Socket, from: Map<Key, Socket>, to: Map<Key, Socket>): void {
    const key = keyOf(socket);
    const found = from.get(key);
    if (found === undefined) return;
    from.delete(key);
    to.set(key, found);
  }
}
