/**
 * A client that is not admitted yet: what it said, what it sent early, and the ways to answer it. Two kinds:
 * one that speaks the handshake, and any program on an `assume` listener, which is told nothing but admitted
 * or closed.
 */
import { GateHandshake } from '../handshake/gate.ts';
import { StrayPeer } from '../handshake/preface.ts';
import type { Decision, ProtocolRange } from '../policy/types.ts';
import type { Connection } from '../ports/transport.ts';
import { closeReasonOf } from '../wire/close.ts';
import { WireFault } from '../wire/fault.ts';
import type { Message, MessageInput } from '../wire/messages.ts';
import type { EarlyData } from './relay.ts';

/** Bytes kept for a client that is not admitted yet; beyond, it is not read from. */
export const MAX_EARLY_DATA = 65_536;

export type Hello = Message<'hello'>;

export interface PendingClient {
  readonly connection: Connection;
  /** Aborts when the client leaves. */
  readonly gone: AbortSignal;
  /** @throws {WireFault} if what comes is no hello, or the client leaves before. */
  hello(): Promise<Hello>;
  wait(message: MessageInput<'wait'>): void;
  permit(message: MessageInput<'permit'>): void;
  /** Tells the client and closes. */
  refuse(decision: Decision): void;
  /** What came before admission, for the relay, which takes over the connection. */
  earlyData(): EarlyData;
}

/** Keeps what comes after the hello, and notices a client that leaves. */
class EarlyDataBuffer {
  readonly #gone = new AbortController();
  readonly chunks: Uint8Array[] = [];
  ended = false;
  #held = 0;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.chunks.push(bytes);
    this.#held += bytes.length;
    if (this.#held >= MAX_EARLY_DATA) this.#connection.pause();
  }

  leave(): void {
    this.#gone.abort('the client left');
  }

  earlyData(): EarlyData {
    return { chunks: this.chunks, ended: this.ended };
  }
}

export function createPendingClient(connection: Connection): PendingClient {
  const handshake = new GateHandshake();
  const waiting = new EarlyDataBuffer(connection);
  const hello = Promise.withResolvers<Hello>();
  hello.promise.catch(() => {});
  let heard = 0;

  const receive = (bytes: Uint8Array) => {
    if (handshake.state !== 'preface' && handshake.state !== 'hello') return waiting.keep(bytes);
    heard += bytes.length;
    try {
      const event = handshake.receive(bytes);
      if (event === null) return;
      waiting.keep(event.early);
      hello.resolve(event.hello);
    } catch (error) {
      hello.reject(error);
    }
  };
  const leave = (how: string) => {
    hello.reject(new WireFault(`the client ${how} ${heard === 0 ? 'without a word' : 'in mid-handshake'}`));
    waiting.leave();
  };
  connection.handle({
    data: receive,
    end() {
      waiting.ended = true;
      if (handshake.state === 'preface' || handshake.state === 'hello') leave('ended its side');
    },
    drain() {},
    close: () => leave('left'),
  });

  return {
    connection,
    gone: waiting.gone,
    hello: () => hello.promise,
    wait: (message) => void connection.send(handshake.wait({ ...message, reason: sentence(message.reason) })),
    permit: (message) => void connection.send(handshake.permit(message)),
    refuse(decision) {
      connection.send(handshake.refuse(forWire(decision)));
      connection.close(closeReasonOf(decision.code, decision.message));
    },
    earlyData: () => waiting.earlyData(),
  };
}

export function createAssumedClient(
  connection: Connection,
  assume: { readonly version: string; readonly protocol?: ProtocolRange },
): PendingClient {
  const waiting = new EarlyDataBuffer(connection);
  connection.handle({
    data: (bytes) => waiting.keep(bytes),
    end() {
      waiting.ended = true;
    },
    drain() {},
    close: () => waiting.leave(),
  });
  return {
    connection,
    gone: waiting.gone,
    hello: async () => ({
      version: assume.version,
      driver: 'assumed',
      properties: {},
      upgrade: 'may',
      ...(assume.protocol && { protocol: assume.protocol }),
    }),
    wait() {},
    permit() {},
    refuse: (decision) => connection.close(closeReasonOf(decision.code, decision.message)),
    earlyData: () => waiting.earlyData(),
  };
}

const HTTP_ANSWER =
  'HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n' +
  'This port speaks the skewgate handshake, not HTTP.\n';
/** Alert, fatal, protocol_version (RFC 8446, 6.2). */
const TLS_ALERT = Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46);

/** Answers a peer that speaks something else in its own tongue, where that helps. False: it is not one. */
export function answerStray(client: PendingClient, error: unknown): boolean {
  if (!(error instanceof StrayPeer) || error.speaks === 'unknown') return false;
  client.connection.send(error.speaks === 'http' ? Buffer.from(HTTP_ANSWER) : TLS_ALERT);
  client.connection.close();
  return true;
}

/** The longest text for people that the protocol takes; parts of a list get less, so that the whole fits a frame. */
const MAX_SENTENCE = 2048;
const sentence = (text: string, limit = MAX_SENTENCE) =>
  text.length > limit ? `${text.slice(0, limit - 1).toWellFormed()}…` : text;

/** Lists that grow with the fleet are cut to the limits of the protocol. */
export function forWire(decision: Decision): MessageInput<'refuse'> {
  return {
    ...decision,
    message: sentence(decision.message),
    move: decision.move && { ...decision.move, who: decision.move.who.slice(0, 64) },
    notes: decision.notes.slice(0, 8).map((note) => ({ ...note, text: sentence(note.text, 1024) })),
    trace: decision.trace.map((step) => ({ ...step, because: sentence(step.because, 512) })),
  };
}
