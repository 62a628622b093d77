/**
 * The gate's side towards a server, sans I/O: have it identify itself, then hand it a client or an upgrade.
 *
 *   created --start()--> identifying --serverHello--> known --open()-------> open
 *                                                 |
 *                                                 +--upgrade()--> upgrading --upgradeResult--> known
 *                                                                  | ^ upgradeProgress
 */
import { WireFault } from '../wire/fault.ts';
import { FrameReader } from '../wire/frame.ts';
import {
  decodeMessage,
  encodeMessage,
  isTypeOf,
  MESSAGES,
  type Message,
  type MessageInput,
} from '../wire/messages.ts';
import { agreeRevision, encodePreface, REVISIONS } from '../wire/preface.ts';
import { takePreface } from './preface.ts';
import { States } from './states.ts';

export type UpstreamState = 'created' | 'greeting' | 'identifying' | 'known' | 'upgrading' | 'open';

export type UpstreamEvent =
  | { readonly kind: 'hello'; readonly hello: Message<'serverHello'> }
  | { readonly kind: 'progress'; readonly progress: Message<'upgradeProgress'> }
  | { readonly kind: 'result'; readonly result: Message<'upgradeResult'> };

const EXITS: Readonly<Record<UpstreamState, readonly UpstreamState[]>> = {
  created: ['greeting'],
  greeting: ['identifying'],
  identifying: ['known'],
  known: ['upgrading', 'open'],
  upgrading: ['known'],
  open: [],
};

const FROM_SERVER = isTypeOf('serverHello', 'upgradeProgress', 'upgradeResult');

/**
 * One conversation of the gate with a server. Send what `start` returns, wait for the server's hello, then `open` a
 * session or ask for an `upgrade`. A call that the state does not allow throws a `MisuseError`.
 */
export class UpstreamHandshake {
  readonly #states = new States<UpstreamState>('created', EXITS);
  readonly #reader = new FrameReader(FROM_SERVER);

  get state(): UpstreamState {
    return this.#states.now;
  }

  /** The bytes to send first: who asks, and what for. */
  start(identify: MessageInput<'identify'>): Uint8Array {
    this.#states.to('greeting');
    return Buffer.concat([encodePreface(), encodeMessage('identify', identify)]);
  }

  /**
   * Hands over a client. What follows is the session's; a server sends none of that before.
   * @returns the bytes to send
   */
  open(message: MessageInput<'open'>): Uint8Array {
    this.#states.to('open');
    return encodeMessage('open', message);
  }

  /** Asks a server that is known for one step of an upgrade. @returns the bytes to send */
  upgrade(request: MessageInput<'upgradeRequest'>): Uint8Array {
    this.#states.to('upgrading');
    return encodeMessage('upgradeRequest', request);
  }

  /**
   * Feeds bytes from the server.
   * @returns what it says, in order
   * @throws {WireFault} if the peer is no server that speaks this protocol
   * @throws {MisuseError} after `open`
   */
  receive(chunk: Uint8Array): UpstreamEvent[] {
    this.#states.requireUnfinished();
    this.#reader.push(chunk);
    if (this.#states.now === 'created') return [];
    if (this.#states.now === 'greeting') {
      const theirs = takePreface(this.#reader);
      if (theirs === null) return [];
      if (agreeRevision(REVISIONS, theirs) === null)
        throw new WireFault(
          `the server speaks protocol revision ${theirs.min} to ${theirs.max}`,
          'PROTOCOL_UNSUPPORTED',
        );
      this.#states.to('identifying');
    }
    const events: UpstreamEvent[] = [];
    for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
      if (frame.type === MESSAGES.serverHello.type) {
        this.#expect('identifying');
        events.push({ kind: 'hello', hello: decodeMessage('serverHello', frame) });
        this.#states.to('known');
      } else if (frame.type === MESSAGES.upgradeProgress.type) {
        this.#expect('upgrading');
        events.push({ kind: 'progress', progress: decodeMessage('upgradeProgress', frame) });
      } else {
        this.#expect('upgrading');
        events.push({ kind: 'result', result: decodeMessage('upgradeResult', frame) });
        this.#states.to('known');
      }
    }
    return events;
  }

  #expect(state: UpstreamState): void {
    if (this.#states.now !== state)
      throw new WireFault(`the server sent a message out of order (${this.#states.now})`);
  }
}
