/** The back end `skewgate`: a server that speaks the handshake. It is asked, says its hello, and is then used or left. */
import { UpstreamHandshake } from '../handshake/upstream.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { Connection, ConnectionHandlers } from '../ports/transport.ts';
import { parseVersion } from '../version/version.ts';
import type { Message, MessageInput } from '../wire/messages.ts';
import {
  type BackEnd,
  type PeerStateSinceHello,
  type ServerIdentity,
  type ServerLink,
  UpstreamError,
} from './back-end.ts';

type Hello = Message<'serverHello'>;
type Result = Message<'upgradeResult'>;
type Progress = Message<'upgradeProgress'>;

/**
 * A back end for servers that speak the skewgate handshake.
 * @param gate what the gate calls itself to them
 */
export function createSkewgateBackEnd(gate: string): BackEnd {
  return {
    protocol: 'skewgate',
    isTransparent: false,
    identify(connection, purpose, known, signal) {
      const asked = askHello(connection, { gate, purpose }, signal);
      return known ? asked : asked.catch(hint);
    },
  };
}

/** What helps where a server has never said a hello. @throws {UpstreamError} */
function hint(error: Error): never {
  const help = 'a server that does not speak the handshake needs a stated version';
  throw new UpstreamError(`${error.message} (${help})`, { cause: error });
}

function askHello(
  connection: Connection,
  question: MessageInput<'identify'>,
  signal: CancelSignal,
): Promise<SkewgateLink> {
  const handshake = new UpstreamHandshake();
  return converse<SkewgateLink>(connection, signal, (resolve, sinceHello) => ({
    start: () => connection.send(handshake.start(question)),
    data(bytes) {
      for (const event of handshake.receive(bytes))
        if (event.kind === 'hello')
          resolve(new SkewgateLink(connection, handshake, identityOf(event.hello), sinceHello));
    },
  }));
}

/** A server mostly says what it said before, and that is then the same object. */
const identities = new WeakMap<Hello, ServerIdentity>();

/** @throws {VersionError} */
function identityOf(hello: Hello): ServerIdentity {
  const known = identities.get(hello);
  if (known !== undefined) return known;
  const identity = { ...hello, version: parseVersion(hello.version) };
  identities.set(hello, identity);
  return identity;
}

/** A server that has said its hello. */
class SkewgateLink implements ServerLink {
  readonly connection: Connection;
  readonly identity: ServerIdentity;
  readonly sinceHello: PeerStateSinceHello;
  readonly #handshake: UpstreamHandshake;

  constructor(
    connection: Connection,
    handshake: UpstreamHandshake,
    identity: ServerIdentity,
    sinceHello: PeerStateSinceHello,
  ) {
    this.connection = connection;
    this.identity = identity;
    this.sinceHello = sinceHello;
    this.#handshake = handshake;
  }

  openSession(session: MessageInput<'open'>): void {
    this.connection.send(this.#handshake.open(session));
  }

  upgrade(
    request: MessageInput<'upgradeRequest'>,
    signal: CancelSignal,
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

  close(): void {
    this.connection.close();
  }
}

interface Talk {
  start(): void;
  data(bytes: Uint8Array): void;
}

/** Drives one exchange; on any failure the connection is destroyed. */
function converse<T>(
  connection: Connection,
  signal: CancelSignal,
  talk: (resolve: (value: T) => void, sinceHello: PeerStateSinceHello) => Talk,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const sinceHello: PeerStateSinceHello = { spoke: false, ended: false, closed: null };
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

function remember(sinceHello: PeerStateSinceHello): ConnectionHandlers {
  return {
    data() {
      sinceHello.spoke = true;
    },
    end() {
      sinceHello.ended = true;
    },
    drain() {},
    close(error) {
      sinceHello.closed = { error };
    },
  };
}
