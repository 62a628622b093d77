/** An admitted client's stream, and the error of one that was not. */
import { Duplex } from 'node:stream';
import type { Connection, ConnectionHandlers } from '../ports/transport.ts';
import type { Message } from '../wire/messages.ts';

/** What an admitted client is told. */
export type Permit = Message<'permit'>;
/** What a held client is told while it waits; `code` may be a word of a later gate. */
export type WaitNotice = Message<'wait'>;
/** What a refused client is told. */
export type Refusal = Message<'refuse'>;

/**
 * A refused connection: the decision's fields as the gate said them, and whether JDBC would call it transient. `code`
 * and `rule` may be words of a later gate that this driver does not know: a program that meets one goes by `retry` and
 * `move`. `verdict`, `retry` and `move.side` are closed.
 */
export class RefusedError extends Error implements Pick<Refusal, 'code' | 'move' | 'retry'> {
  override readonly name = 'RefusedError';
  readonly decision: Refusal;
  readonly verdict: Refusal['verdict'];
  readonly code: Refusal['code'];
  readonly rule: Refusal['rule'];
  readonly move: Refusal['move'];
  readonly retry: Refusal['retry'];
  readonly retryAfterMs: number | null;
  readonly vendorCode: number | null;
  readonly sqlState: string | null;
  /** The same attempt may succeed later without a change (java.sql.SQLTransientConnectionException). */
  readonly transient: boolean;

  /** @param decision as the gate sent it */
  constructor(decision: Refusal) {
    super(decision.message);
    this.decision = decision;
    this.verdict = decision.verdict;
    this.code = decision.code;
    this.rule = decision.rule;
    this.move = decision.move;
    this.retry = decision.retry;
    this.retryAfterMs = decision.retryAfterMs;
    this.vendorCode = decision.vendorCode;
    this.sqlState = decision.sqlState;
    this.transient = decision.retry === 'later';
  }
}

/** An admitted client's stream, with what the gate said when it admitted the client. */
export class Session extends Duplex {
  readonly id: string;
  readonly server: Permit['server'];
  /** Schema level of the system tables when admitted. */
  readonly schemaLevel: number | null;
  readonly notices: readonly string[];
  readonly waitedMs: number;
  readonly decision: Permit['decision'];
  readonly #connection: Connection;
  #onDrain: (() => void) | null = null;

  /** @param early what came right behind the permit */
  constructor(connection: Connection, permit: Permit, early: Uint8Array) {
    super({ allowHalfOpen: true });
    this.#connection = connection;
    this.id = permit.session;
    this.server = permit.server;
    this.schemaLevel = permit.level;
    this.notices = permit.notices;
    this.waitedMs = permit.waitedMs;
    this.decision = permit.decision;
    connection.handle(new Session.#Handlers(this));
    if (early.length > 0) this.#receive(early);
  }

  /** One small object, not a closure for each: a program may hold very many sessions. */
  static readonly #Handlers = class implements ConnectionHandlers {
    readonly #session: Session;

    constructor(session: Session) {
      this.#session = session;
    }

    data(bytes: Uint8Array): void {
      this.#session.#receive(bytes);
    }

    end(): void {
      this.#session.push(null);
    }

    drain(): void {
      this.#session.#drain();
    }

    close(error: Error | null): void {
      this.#session.#closed(error);
    }
  };

  #drain(): void {
    const resume = this.#onDrain;
    this.#onDrain = null;
    resume?.();
  }

  /** What was received stays readable; what is written from now on has nowhere to go. */
  #closed(error: Error | null): void {
    if (error !== null) this.destroy(error);
    else {
      if (!this.readableEnded) this.push(null);
      this.end();
    }
    this.#onDrain?.();
  }

  #receive(bytes: Uint8Array): void {
    if (!this.readableEnded && !this.push(bytes)) this.#connection.pause();
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    if (this.#connection.send(chunk)) callback();
    else this.#onDrain = callback;
  }

  override _final(callback: () => void): void {
    this.#connection.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (error === null) this.#connection.close();
    else this.#connection.destroy();
    callback(error);
  }
}
