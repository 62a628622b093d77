/** The relay of one session, as every engine has it that gets its bytes from the connections' handlers. */
import type { PeerStateSinceHello } from '../backend/back-end.ts';
import type { SessionEndReason } from '../events/events.ts';
import type { EarlyData } from '../frontend/early-data.ts';
import type { Connection, ConnectionHandlers } from '../ports/transport.ts';
import { type CloseReason, NORMAL } from '../wire/close.ts';
import type { End, Relay } from './relay.ts';

/** One direction of a session: the handlers of the connection that it comes from. */
export class Way implements ConnectionHandlers {
  readonly from: Connection;
  readonly to: Connection;
  /** Bytes so far. */
  count = 0;
  /** The sender sends nothing more. */
  ended = false;
  readonly #relay: SessionRelay;

  /** @param relay told when `from` is gone */
  constructor(from: Connection, to: Connection, relay: SessionRelay) {
    this.from = from;
    this.to = to;
    this.#relay = relay;
  }

  /** Hands bytes on, and stops reading where there is no room for more. */
  data(bytes: Uint8Array, text?: boolean): void {
    this.count += bytes.length;
    if (!this.to.send(bytes, text)) this.from.pause();
  }

  /** Passes the half-close on. */
  end(): void {
    this.ended = true;
    this.to.end();
  }

  /** The sender takes bytes again: there is room for those of the other direction. */
  drain(): void {
    this.to.resume();
  }

  close(error: Error | null, closeReason?: CloseReason): void {
    this.#relay.gone(this, error, closeReason);
  }
}

/** A direction that takes bytes on loan, from a connection which reads into a buffer that it uses again. */
export class LoanWay extends Way {
  lent(bytes: Uint8Array): void {
    this.count += bytes.length;
    if (!this.to.sendLent(bytes)) this.from.pause();
  }
}

/** A session under way, in two directions. */
export class SessionRelay implements Relay {
  readonly #up: Way;
  readonly #down: Way;
  #listener: ((end: End) => void) | null = null;
  /** How it ended; null while it has not. */
  #end: End | null = null;

  /** @param Direction how bytes are handed on */
  constructor(client: Connection, server: Connection, Direction: typeof Way) {
    this.#up = new Direction(client, server, this);
    this.#down = new Direction(server, client, this);
  }

  get fromClient(): number {
    return this.#up.count;
  }

  get fromServer(): number {
    return this.#down.count;
  }

  /** Takes both connections over. */
  start(early: EarlyData, sinceHello: PeerStateSinceHello | undefined): void {
    const { from: client, to: server } = this.#up;
    client.upgrade?.answer(server.answer);
    server.handle(this.#down);
    let room = true;
    for (const bytes of early.chunks) {
      this.#up.count += bytes.length;
      room = server.send(bytes);
    }
    if (early.ended) this.#up.end();
    // What else the client sends comes after that. It may be paused since it sent much before it was admitted.
    if (!room) client.pause();
    client.handle(this.#up);
    if (room) client.resume();
    if (sinceHello?.ended) this.#down.end();
    if (sinceHello?.closed) this.#finish('server-gone', sinceHello.closed.error);
  }

  whenOver(listener: (end: End) => void): void {
    this.#listener = listener;
    if (this.#end !== null) this.#tell(this.#end);
  }

  close(reason: SessionEndReason, closeReason: CloseReason): void {
    this.#finish(reason, null, closeReason);
  }

  /** The connection that a direction comes from is gone. @internal */
  gone(way: Way, error: Error | null, closeReason: CloseReason | undefined): void {
    const reason = way === this.#up ? 'client-gone' : 'server-gone';
    this.#finish(this.#up.ended && this.#down.ended ? 'both-ended' : reason, error, closeReason);
  }

  #finish(reason: SessionEndReason, error: Error | null, closeReason: CloseReason = NORMAL): void {
    if (this.#end !== null) return;
    this.#end = { reason, error };
    // A side that broke off in mid-stream is not made to look like an orderly end to the other.
    const way = reason === 'client-gone' ? this.#up : this.#down;
    const isBroken = error !== null && !way.ended;
    for (const connection of [this.#up.from, this.#up.to]) {
      if (isBroken) connection.destroy();
      else connection.close(closeReason);
    }
    this.#tell(this.#end);
  }

  #tell(end: End): void {
    const listener = this.#listener;
    if (listener !== null) queueMicrotask(() => listener(end));
  }
}
