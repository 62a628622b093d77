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
  const bytes = { fromClient: 0, fromServer: 0 };
  const finished = Promise.withResolvers<End>();
  const ended = { client: false, server: false };
  let over = false;

  const finish = (reason: SessionEndReason, error: Error | null, closeReason: CloseReason = NORMAL) => {
    if (over) return;
    over = true;
    // A side that broke off in mid-stream is not made to look like an orderly end to the other.
    const broken = error !== null && !ended[reason === 'client-gone' ? 'client' : 'server'];
    for (const connection of [client, server]) {
      if (broken) connection.destroy();
      else connection.close(closeReason);
    }
    finished.resolve({ reason, error });
  };

  const wire = (from: 'client' | 'server', source: Connection, target: Connection) => {
    const counter = from === 'client' ? 'fromClient' : 'fromServer';
    const forward = (chunk: Uint8Array, text?: boolean) => {
      bytes[counter] += chunk.length;
      const room = target.send(chunk, text);
      if (!room) source.pause();
      return room;
    };
    const end = () => {
      ended[from] = true;
      target.end();
    };
    return { forward, end };
  };
  const up = wire('client', client, server);
  const down = wire('server', server, client);

  client.upgrade?.answer(server.answer);
  server.handle({
    data: down.forward,
    end: down.end,
    drain: () => client.resume(),
    close: (error, closeReason) =>
      finish(ended.client && ended.server ? 'both-ended' : 'server-gone', error, closeReason),
  });
  // The client may be paused since it sent much before it was admitted; what else it sends comes after that.
  client.pause();
  const room = early.chunks.map((chunk) => up.forward(chunk)).every(Boolean);
  if (early.ended) up.end();
  client.handle({
    data: up.forward,
    end: up.end,
    drain: () => server.resume(),
    close: (error, closeReason) =>
      finish(ended.client && ended.server ? 'both-ended' : 'client-gone', error, closeReason),
  });
  if (room) client.resume();
  if (sinceHello?.ended) down.end();
  if (sinceHello?.closed) finish('server-gone', sinceHello.closed.error);

  return {
    get fromClient() {
      return bytes.fromClient;
    },
    get fromServer() {
      return bytes.fromServer;
    },
    done: finished.promise,
    close: (reason, closeReason) => finish(reason, null, closeReason),
  };
}
