/**
 * The client's side of the handshake, sans I/O: bytes in, events out.
 *
 *   created --start()--> greeting --preface--> awaiting --permit--> open
 *                            |                  | ^ wait
 *                            +---- refuse ------+-> refused
 *   (a WireFault thrown by `receive` leaves it broken)
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

export type ClientState = 'created' | 'greeting' | 'awaiting' | 'open' | 'refused' | 'broken';

export type ClientEvent =
  | { readonly kind: 'wait'; readonly wait: Message<'wait'> }
  /** `early`: raw bytes that came right behind the permit. */
  | { readonly kind: 'permit'; readonly permit: Message<'permit'>; readonly early: Uint8Array }
  | { readonly kind: 'refuse'; readonly refuse: Message<'refuse'> };

const EXITS: Readonly<Record<ClientState, readonly ClientState[]>> = {
  created: ['greeting'],
  greeting: ['awaiting', 'broken'],
  awaiting: ['awaiting', 'open', 'refused', 'broken'],
  open: [],
  refused: [],
  broken: [],
};

const FROM_GATE = isTypeOf('permit', 'wait', 'refuse');

/**
 * One handshake of a client. Send what `start` returns, feed `receive` with what arrives, and act on the events it
 * returns; after `permit` or `refuse` the handshake is over and the object takes no more bytes.
 */
export class ClientHandshake {
  readonly #states = new States<ClientState>('created', EXITS);
  readonly #reader = new FrameReader(FROM_GATE);
  readonly #hello: MessageInput<'hello'>;
  #agreed = false;

  /** @param hello what this client says of itself */
  constructor(hello: MessageInput<'hello'>) {
    this.#hello = hello;
  }

  get state(): ClientState {
    return this.#states.now;
  }

  /** The bytes to send first. */
  start(): Uint8Array {
    this.#states.to('greeting');
    return Buffer.concat([encodePreface(), encodeMessage('hello', this.#hello)]);
  }

  /**
   * Feeds bytes from the gate.
   * @returns what it says, in order
   * @throws {WireFault} if the peer is no gate
   * @throws {MisuseError} once the handshake is over
   */
  receive(chunk: Uint8Array): ClientEvent[] {
    this.#states.requireUnfinished();
    this.#reader.push(chunk);
    try {
      return this.#read();
    } catch (error) {
      this.#states.to('broken');
      throw error;
    }
  }

  #read(): ClientEvent[] {
    // A gate that shares no revision sends its own range and a refuse, whose layout never changes.
    if (this.#states.now === 'greeting') {
      const theirs = takePreface(this.#reader);
      if (theirs === null) return [];
      this.#agreed = agreeRevision(REVISIONS, theirs) !== null;
      this.#states.to('awaiting');
    }
    const events: ClientEvent[] = [];
    while (this.#states.now === 'awaiting') {
      const frame = this.#reader.next();
      if (frame === null) break;
      if (!this.#agreed && frame.type !== MESSAGES.refuse.type)
        throw new WireFault('no protocol revision in common with the gate', 'PROTOCOL_UNSUPPORTED');
      if (frame.type === MESSAGES.wait.type) {
        events.push({ kind: 'wait', wait: decodeMessage('wait', frame) });
        this.#states.to('awaiting');
      } else if (frame.type === MESSAGES.permit.type) {
        const permit = decodeMessage('permit', frame);
        this.#states.to('open');
        events.push({ kind: 'permit', permit, early: this.#reader.rest() });
      } else {
        const refuse = decodeMessage('refuse', frame);
        this.#states.to('refused');
        events.push({ kind: 'refuse', refuse });
      }
    }
    return events;
  }
}
