/**
 * A server's side, sans I/O: it is asked to identify itself, says hello, and is then handed a client or an upgrade.
 *
 *   preface --> identify --> identifying --hello()--> known --open--> open
 *                                            |
 *                                            +--upgradeRequest--> upgrading --result()--> known
 *                                                                  | ^ progress()
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

export type ServerState = 'preface' | 'identify' | 'identifying' | 'known' | 'upgrading' | 'open';

export type ServerEvent =
  | { readonly kind: 'identify'; readonly identify: Message<'identify'> }
  /** `early`: raw bytes that came right behind. */
  | { readonly kind: 'open'; readonly open: Message<'open'>; readonly early: Uint8Array }
  | { readonly kind: 'upgrade'; readonly request: Message<'upgradeRequest'> };

const EXITS: Readonly<Record<ServerState, readonly ServerState[]>> = {
  preface: ['identify'],
  identify: ['identifying'],
  identifying: ['known'],
  known: ['open', 'upgrading'],
  upgrading: ['upgrading', 'known'],
  open: [],
};

const FROM_GATE = isTypeOf('identify', 'open', 'upgradeRequest');

/**
 * One conversation of a server with a gate. `receive` returns what the gate asks; `hello`, `progress` and `result`
 * return the bytes to send. A call that the state does not allow throws a `MisuseError`.
 */
export class ServerHandshake {
  readonly #states = new States<ServerState>('preface', EXITS);
  readonly #reader = new FrameReader(FROM_GATE);

  get state(): ServerState {
    return this.#states.now;
  }

  /** What this server is, once it was asked. @returns the bytes to send */
  hello(message: MessageInput<'serverHello'>): Uint8Array {
    this.#states.step('identifying', 'known');
    return Buffer.concat([encodePreface(), encodeMessage('serverHello', message)]);
  }

  /** How far the upgrade has come. @returns the bytes to send */
  progress(message: MessageInput<'upgradeProgress'>): Uint8Array {
    this.#states.step('upgrading', 'upgrading');
    return encodeMessage('upgradeProgress', message);
  }

  /** How the upgrade ended; the gate may ask for something else then. @returns the bytes to send */
  result(message: MessageInput<'upgradeResult'>): Uint8Array {
    this.#states.step('upgrading', 'known');
    return encodeMessage('upgradeResult', message);
  }

  /**
   * Feeds bytes from the gate.
   * @returns what it asks for, in order
   * @throws {WireFault} if the peer is no gate
   * @throws {MisuseError} after `open`
   */
  receive(chunk: Uint8Array): ServerEvent[] {
    this.#states.requireUnfinished();
    this.#reader.push(chunk);
    if (this.#states.now === 'preface') {
      const theirs = takePreface(this.#reader);
      if (theirs === null) return [];
      if (agreeRevision(REVISIONS, theirs) === null)
        throw new WireFault('no protocol revision in common', 'PROTOCOL_UNSUPPORTED');
      this.#states.to('identify');
    }
    const events: ServerEvent[] = [];
    while (this.#states.now === 'identify' || this.#states.now === 'known') {
      const frame = this.#reader.next();
      if (frame === null) break;
      events.push(this.#take(frame));
    }
    return events;
  }

  #take(frame: { type: number; payload: Uint8Array }): ServerEvent {
    const identifying = frame.type === MESSAGES.identify.type;
    if (identifying !== (this.#states.now === 'identify'))
      throw new WireFault(`a message out of order (state ${this.#states.now})`);
    if (identifying) {
      const identify = decodeMessage('identify', frame);
      this.#states.to('identifying');
      return { kind: 'identify', identify };
    }
    if (frame.type === MESSAGES.open.type) {
      const open = decodeMessage('open', frame);
      this.#states.to('open');
      return { kind: 'open', open, early: this.#reader.rest() };
    }
    const request = decodeMessage('upgradeRequest', frame);
    this.#states.to('upgrading');
    return { kind: 'upgrade', request };
  }
}
