/** One connection to a server, before any client's byte goes over it: dial, ask, learn. */
import { UpstreamHandshake } from '../handshake/upstream.ts';
import type { Connection, ConnectionHandlers } from '../ports/transport.ts';
import type { Message, MessageInput } from '../wire/messages.ts';

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
}

type Hello = Message<'serverHello'>;
type Result = Message<'upgradeResult'>;
type Progress = Message<'upgradeProgress'>;

/** A server that speaks the handshake and has said its hello. */
export class Upstream {
  readonly connection: Connection;
  readonly hello: Hello;
  /** What the server did since its last message, before anybody took the connection over. */
  readonly sinceHello: PeerStateSinceHello;
  readonly #handshake: UpstreamHandshake;

  private constructor(
    connection: Connection,
    handshake: UpstreamHandshake,
    hello: Hello,
    sinceHello: PeerStateSinceHello,
  ) {
    this.connection = connection;
    this.sinceHello = sinceHello;
    this.#handshake = handshake;
    this.hello = hello;
  }

  /** @throws {UpstreamError | WireFault} if the server is no such server, leaves, or the signal aborts. */
  static ask(connection: Connection, ask: MessageInput<'ask'>, signal: AbortSignal): Promise<Upstream> {
    const handshake = new UpstreamHandshake();
    return converse<Upstream>(connection, signal, (resolve, sinceHello) => ({
      start: () => connection.send(handshake.start(ask)),
      data(bytes) {
        for (const event of handshake.receive(bytes))
          if (event.kind === 'hello') resolve(new Upstream(connection, handshake, event.hello, sinceHello));
      },
    }));
  }

  /** Hands over an admitted client; from here on the connection carries its bytes. */
  open(message: MessageInput<'open'>): void {
    this.connection.send(this.#handshake.open(message));
  }

  /** Runs one upgrade step. @throws {UpstreamError | WireFault} if the server leaves before its result. */
  upgrade(
    request: MessageInput<'upgradeRequest'>,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ): Promise<Result> {
    return converse<Result>(this.connection, signal, (resolve) => ({
      start: () => this.connection.send(this.#handshake.upgrade(request)),
      data: (bytes) => {
        for (const event of this.#handshake.receive(bytes)) {
          if (event.kind === 'progress') onProgress(event.progress);
          if (event.kind === 'result') resolve(event.result);
        }
      },
    }));
  }
}

interface Talk {
  start(): void;
  data(bytes: Uint8Array): void;
}

/** Drives one exchange; on any failure the connection is destroyed. */
function converse<T>(
  connection: Connection,
  signal: AbortSignal,
  talk: (resolve: (value: T) => void, sinceHello: PeerStateSinceHello) => Talk,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const sinceHello: PeerStateSinceHello = { ended: false, closed: null };
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', abort);
      connection.handle(remember(sinceHello));
      act();
    };
    const fail = (error: unknown) =>
      settle(() => {
        connection.destroy();
        reject(error);
      });
    const abort = () => fail(new UpstreamError('the server did not answer in time'));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    const { start, data } = talk((value) => settle(() => resolve(value)), sinceHello);
    connection.handle({
      data(bytes) {
        try {
          data(bytes);
        } catch (error) {
          fail(error);
        }
      },
      end: () => fail(new UpstreamError('the server closed the connection')),
      drain() {},
      close: (error) => fail(new UpstreamError(`the server went away${error ? `: ${error.message}` : ''}`)),
    });
    start();
  });
}

export interface PeerStateSinceHello {
  ended: boolean;
  closed: { readonly error: Error | null } | null;
}

function remember(sinceHello: PeerStateSinceHello): ConnectionHandlers {
  return {
    data() {},
    end() {
      sinceHello.ended = true;
    },
    drain() {},
    close(error) {
      sinceHello.closed = { error };
    },
  };
}
