/**
 * The front end `skewgate`: a client that speaks the handshake. Faults of the wire and peers that speak HTTP or
 * TLS end here: to admission they are hellos that failed.
 */
import { GateHandshake } from '../handshake/gate.ts';
import { StrayPeer } from '../handshake/preface.ts';
import type { Decision } from '../policy/types.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import { type Connection, PeerFault } from '../ports/transport.ts';
import { closeReasonOf } from '../wire/close.ts';
import { WireFault } from '../wire/fault.ts';
import { HEADER_LENGTH, MAX_PAYLOAD } from '../wire/frame.ts';
import { PREFACE_LENGTH } from '../wire/preface.ts';
import { EarlyDataBuffer, type EarlyFault, type EarlyMemory } from './early-data.ts';
import type { FrontEnd } from './front-end.ts';
import type { HelloResult, PendingClient, Permit, WaitNotice } from './pending-client.ts';
import { encodedForWire, sentence } from './wire-limits.ts';

export interface SkewgateOptions {
  readonly clock: Clock;
  /** ms for a client's hello to be complete. */
  readonly handshakeTimeout: number;
}

/** The longest way to begin, bytes: a preface and one frame. */
const MAX_HELLO = PREFACE_LENGTH + HEADER_LENGTH + MAX_PAYLOAD;

/** A front end for clients that speak the skewgate handshake. */
export function createSkewgateFrontEnd(options: SkewgateOptions): FrontEnd {
  return {
    protocol: 'skewgate',
    isTransparent: false,
    accept: (connection, memory) => new SkewgateClient(connection, options, memory),
  };
}

class SkewgateClient implements PendingClient {
  readonly protocol = 'skewgate';
  readonly connection: Connection;
  readonly #handshake = new GateHandshake();
  readonly #early: EarlyDataBuffer;
  readonly #hello = Promise.withResolvers<HelloResult>();
  /** Null once nothing is waited for. */
  #timer: Timer | null;
  #heard = 0;
  /** Set where the peer speaks something else. */
  #stray: StrayPeer | null = null;

  constructor(connection: Connection, { clock, handshakeTimeout }: SkewgateOptions, memory?: EarlyMemory) {
    this.connection = connection;
    // Only a bug rejects it; a client that is turned away at once is not asked.
    this.#hello.promise.catch(() => {});
    this.#early = new EarlyDataBuffer(connection, memory);
    this.#timer = clock.after(handshakeTimeout, () =>
      this.#settle({
        kind: 'failed',
        code: 'HANDSHAKE_TIMEOUT',
        message: `No hello within ${handshakeTimeout / 1_000} s.`,
      }),
    );
    connection.limitMessages?.(MAX_HELLO);
    connection.handle({
      data: (bytes) => this.#receive(bytes),
      end: () => {
        this.#early.end();
        // It may still read why it is refused.
        if (!this.#isHeard) this.#leave('BAD_HANDSHAKE', 'The client ended its side');
      },
      drain() {},
      close: (error) => {
        if (error instanceof PeerFault) this.#fail(new WireFault(error.message));
        this.#leave('CLIENT_LEFT', 'The client left');
      },
    });
  }

  get gone(): CancelSignal {
    return this.#early.gone;
  }

  get fault(): EarlyFault | null {
    return this.#early.fault;
  }

  hello(): Promise<HelloResult> {
    return this.#hello.promise;
  }

  wait(notice: WaitNotice): void {
    this.connection.send(this.#handshake.wait({ ...notice, reason: sentence(notice.reason) }));
  }

  permit({ notices, decision, ...permit }: Permit): void {
    const message = { ...permit, notices: [...notices], decision: encodedForWire(decision) };
    this.connection.limitMessages?.(null);
    this.connection.send(this.#handshake.permit(message));
  }

  refuse(decision: Decision): void {
    this.#stopTimer();
    if (this.#stray !== null && this.#stray.speaks !== 'unknown') {
      this.connection.send(STRAY_ANSWERS[this.#stray.speaks]);
      this.connection.close();
      return;
    }
    this.connection.send(this.#handshake.refuse(encodedForWire(decision)));
    this.connection.close(closeReasonOf(decision.code, decision.message));
  }

  earlyData(): EarlyDataBuffer {
    return this.#early;
  }

  /** Whether the hello is complete. */
  get #isHeard(): boolean {
    return this.#handshake.state !== 'preface' && this.#handshake.state !== 'hello';
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isHeard) return this.#early.keep(bytes);
    this.#heard += bytes.length;
    try {
      const event = this.#handshake.receive(bytes);
      if (event === null) return;
      this.#early.keep(event.early);
      this.#settle({ kind: 'hello', hello: event.hello, token: event.token });
    } catch (error) {
      if (error instanceof StrayPeer) this.#stray = error;
      this.#fail(error as Error);
    }
  }

  #leave(code: 'BAD_HANDSHAKE' | 'CLIENT_LEFT', how: string): void {
    if (this.#heard === 0) this.#settle({ kind: 'probe' });
    else this.#settle({ kind: 'failed', code, message: `${how} before its hello was complete.` });
    this.#early.leave();
  }

  #fail(error: Error): void {
    if (!(error instanceof WireFault)) return this.#hello.reject(error);
    const message = `${error.message[0]?.toUpperCase()}${error.message.slice(1)}.`;
    this.#settle({ kind: 'failed', code: error.code, message });
  }

  #settle(result: HelloResult): void {
    this.#stopTimer();
    this.#hello.resolve(result);
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}

/** A peer that speaks something else is answered in that protocol, where this helps. */
const STRAY_ANSWERS = {
  http: Buffer.from(
    'HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n' +
      'This port speaks the skewgate handshake, not HTTP.\n',
  ),
  /** Alert, fatal, protocol_version (RFC 8446, 6.2). */
  tls: Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46),
} as const;
