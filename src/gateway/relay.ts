/** Raw bytes both ways between two connections: back-pressure, half-close, nothing kept. */
import type { PeerStateSinceHello } from '../backend/back-end.ts';
import type { SessionEndReason } from '../events/events.ts';
import type { EarlyData } from '../frontend/early-data.ts';
import type { Connection } from '../ports/transport.ts';
import { type CloseReason, NORMAL } from '../wire/close.ts';

export interface End {
  readonly reason: SessionEndReason;
  readonly error: Error | null;
}

export interface Relay {
  /** Bytes so far. */
  readonly fromClient: number;
  readonly fromServer: number;
  /** Resolves when both connections are done with. */
  readonly done: Promise<End>;
  /** Ends the session from this side; a WebSocket client sees the closeReason. */
  close(reason: SessionEndReason, closeReason: CloseReason): void;
}

/**
 * Hands a session's bytes on until both sides are done, or one is gone.
 * @param early what the client sent before it was admitted
 * @param sinceHello what the server did between its hello and now
 */
export function relay(
  client: Connection,
  server: Connection,
  early: EarlyData,
  sinceHello?: PeerStateSinceHello,
): Relay {
  const running = new RunningRelay(client, server);
  running.start(early, sinceHello);
  return running;
}

class RunningRelay implements Relay {
  fromClient = 0;
  fromServer = 0;
  readonly #client: Connection;
  readonly #server: Connection;
  readonly #finished = Promise.withResolvers<End>();
  readonly #ended = { client: false, server: false };
  #over = false;

  constructor(client: Connection, server: Connection) {
    this.#client = client;
    this.#server = server;
  }

  get done(): Promise<End> {
    return this.#finished.promise;
  }

  start(early: EarlyData, sinceHello: PeerStateSinceHello | undefined): void {
    this.#client.upgrade?.answer(this.#server.answer);
    this.#server.handle({
      data: (chunk, text) => void this.#toClient(chunk, text),
      end: () => this.#endClient(),
      drain: () => this.#client.resume(),
      close: (error, closeReason) => this.#gone('server-gone', error, closeReason),
    });
    // The client may be paused since it sent much before it was admitted; what else it sends comes after that.
    this.#client.pause();
    const room = early.chunks.map((chunk) => this.#toServer(chunk)).every(Boolean);
    if (early.ended) this.#endServer();
    this.#client.handle({
      data: (chunk, text) => void this.#toServer(chunk, text),
      end: () => this.#endServer(),
      drain: () => this.#server.resume(),
      close: (error, closeReason) => this.#gone('client-gone', error, closeReason),
    });
    if (room) this.#client.resume();
    if (sinceHello?.ended) this.#endClient();
    if (sinceHello?.closed) this.#finish('server-gone', sinceHello.closed.error);
  }

  close(reason: SessionEndReason, closeReason: CloseReason): void {
    this.#finish(reason, null, closeReason);
  }

  /** Whether there is room for more. */
  #toServer(chunk: Uint8Array, text?: boolean): boolean {
    this.fromClient += chunk.length;
    const room = this.#server.send(chunk, text);
    if (!room) this.#client.pause();
    return room;
  }

  #toClient(chunk: Uint8Array, text?: boolean): void {
    this.fromServer += chunk.length;
    if (!this.#client.send(chunk, text)) this.#server.pause();
  }

  #endServer(): void {
    this.#ended.client = true;
    this.#server.end();
  }

  #endClient(): void {
    this.#ended.server = true;
    this.#client.end();
  }

  #gone(
    reason: 'client-gone' | 'server-gone',
    error: Error | null,
    closeReason: CloseReason | undefined,
  ): void {
    const { client, server } = this.#ended;
    this.#finish(client && server ? 'both-ended' : reason, error, closeReason);
  }

  #finish(reason: SessionEndReason, error: Error | null, closeReason: CloseReason = NORMAL): void {
    if (this.#over) return;
    this.#over = true;
    // A side that broke off in mid-stream is not made to look like an orderly end to the other.
    const broken = error !== null && !this.#ended[reason === 'client-gone' ? 'client' : 'server'];
    for (const connection of [this.#client, this.#server]) {
      if (broken) connection.destroy();
      else connection.close(closeReason);
    }
    this.#finished.resolve({ reason, error });
  }
}
