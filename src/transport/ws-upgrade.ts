/**
 * The request of a WebSocket client, handed on to a server before the client is answered: path, query, subprotocols
 * and headers reach the server, and what the server answers is what the client gets.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type {
  Connection,
  ConnectionHandlers,
  PendingUpgrade,
  UpgradeAnswer,
  UpgradeRequest,
} from '../ports/transport.ts';
import type { CloseReason } from '../wire/close.ts';
import { breakOff, peerOf } from './socket.ts';

/** How long a client that was refused has to close its side. */
const LINGER_MS = 1_000;

/** They concern one connection (RFC 9110, 7.6.1), or are set anew for the next: key, version, extensions. */
const HOP_BY_HOP =
  /^(?:connection|upgrade|keep-alive|te|trailer|transfer-encoding|proxy-.*|content-length|sec-websocket-(?:key|version|extensions|accept))$/;
/** What a client may need of an answer. */
const ANSWERED = ['sec-websocket-protocol', 'www-authenticate', 'location', 'retry-after'];

/** What a request asks for, as it is handed on. */
export function upgradeRequestOf({ url = '/', headers }: IncomingMessage): UpgradeRequest {
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.test(name));
  return { target: url, headers: Object.fromEntries(kept) as UpgradeRequest['headers'] };
}

/** What a server answered, as it is handed on. */
export function upgradeAnswerOf(status: number, headers: IncomingHttpHeaders): UpgradeAnswer {
  const kept = ANSWERED.flatMap((name) =>
    headers[name] === undefined ? [] : [[name, String(headers[name])]],
  );
  return { status, headers: Object.fromEntries(kept) };
}

/**
 * Completes the upgrade of the client with the subprotocol; null if the client can't be upgraded, in which case it
 * was told so. Undefined: the subprotocol that the client named first.
 */
export type CompleteUpgrade = (
  protocol: string | undefined,
  head: Buffer,
  whole: boolean,
) => Connection | null;

const NOTHING = Buffer.alloc(0);

/** A WebSocket client that was not answered yet. */
export class PendingWsConnection implements Connection {
  readonly peer: string;
  /** Undefined once the client is answered, as is what only the answer needs: sessions are many, and may be long. */
  upgrade: PendingUpgrade | undefined;
  readonly #socket: Socket;
  #complete: CompleteUpgrade | null;
  #handlers: ConnectionHandlers | null = null;
  /** What came before the answer; a client that keeps to the protocol sends nothing. */
  #head: Buffer;
  #opened: Connection | null = null;
  #answered = false;
  #gone = false;

  constructor(request: IncomingMessage, socket: Socket, head: Buffer, complete: CompleteUpgrade) {
    this.peer = peerOf(socket);
    this.upgrade = { request: upgradeRequestOf(request), answer: (answer) => this.#answer(answer) };
    this.#socket = socket;
    this.#head = head;
    this.#complete = complete;
    socket.on('data', this.#keep);
    socket.on('end', this.#leave);
    socket.on('close', this.#leave);
    socket.on('error', () => {});
  }

  handle(handlers: ConnectionHandlers): void {
    const first = this.#handlers === null;
    this.#handlers = handlers;
    if (this.#opened !== null) this.#opened.handle(handlers);
    else if (first && this.#gone) queueMicrotask(() => handlers.close(null));
  }

  limitMessages(bytes: number | null): void {
    this.#opened?.limitMessages?.(bytes);
  }

  send(bytes: Uint8Array, text?: boolean): boolean {
    return this.#open()?.send(bytes, text) ?? true;
  }

  sendLent(bytes: Uint8Array): boolean {
    return this.#open()?.sendLent(bytes) ?? true;
  }

  end(): void {
    this.#open()?.end();
  }

  pause(): void {
    this.#opened?.pause();
  }

  resume(): void {
    this.#opened?.resume();
  }

  /** A client sees the reason of a close only once it is a WebSocket. */
  close(closeReason?: CloseReason): void {
    this.#open()?.close(closeReason);
  }

  destroy(): void {
    this.#answered = true;
    breakOff(this.#socket);
  }

  #answer(answer?: UpgradeAnswer): void {
    if (this.#answered) return;
    if (answer === undefined) this.#open();
    else if (answer.status === 101) this.#open(answer.headers['sec-websocket-protocol'] ?? '', true);
    else this.#refuse(answer);
  }

  #open(protocol?: string, whole = false): Connection | null {
    if (this.#answered) return this.#opened;
    this.#answered = true;
    this.#socket.off('data', this.#keep).off('end', this.#leave);
    this.#opened = this.#complete?.(protocol, this.#head, whole) ?? null;
    this.#complete = null;
    this.#head = NOTHING;
    this.upgrade = undefined;
    if (this.#opened === null) return null;
    this.#socket.off('close', this.#leave);
    if (this.#handlers !== null) this.#opened.handle(this.#handlers);
    return this.#opened;
  }

  #refuse({ status, headers }: UpgradeAnswer): void {
    this.#answered = true;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const head = [`HTTP/1.1 ${status} `, 'connection: close', 'content-length: 0', ...lines];
    this.#socket.end(`${head.join('\r\n')}\r\n\r\n`);
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  readonly #keep = (bytes: Buffer): void => {
    this.#head = Buffer.concat([this.#head, bytes]);
    if (this.#head.length > 0) this.#socket.pause();
  };

  readonly #leave = (): void => {
    if (this.#gone) return;
    this.#gone = true;
    this.#socket.destroy();
    this.#handlers?.close(null);
  };
}

/** A server that did not become a WebSocket: there is nothing but its answer. */
export class RefusedConnection implements Connection {
  readonly peer: string;
  readonly answer: UpgradeAnswer;
  #told = false;

  constructor(peer: string, answer: UpgradeAnswer) {
    this.peer = peer;
    this.answer = answer;
  }

  handle(handlers: ConnectionHandlers): void {
    if (!this.#told) queueMicrotask(() => handlers.close(null));
    this.#told = true;
  }

  send(): boolean {
    return true;
  }

  sendLent(): boolean {
    return true;
  }

  end(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
  destroy(): void {}
}
