/**
 * The gate's side of a client's handshake, sans I/O.
 *
 *   preface --> hello --> deciding --permit()--> permitted
 *      |          |        | ^ wait()
 *      +----------+--------+--refuse()--> refused
 *
 * `refuse()` is legal in every state but the last two, also after a WireFault.
 */
import { MisuseError, WireFault } from '../wire/fault.ts';
import { FrameReader } from '../wire/frame.ts';
import {
  decodeMessage,
  type Encodable,
  encodeMessage,
  isTypeOf,
  type Message,
  type MessageInput,
} from '../wire/messages.ts';
import { agreeRevision, encodePreface, REVISIONS, type Revisions } from '../wire/preface.ts';
import { takePreface } from './preface.ts';
import { States } from './states.ts';

export type GateState = 'preface' | 'hello' | 'deciding' | 'permitted' | 'refused';

/** A client's hello is complete. */
export interface HelloEvent {
  readonly hello: Omit<Message<'hello'>, 'token'>;
  /** The secret in it, apart from the rest, which is recorded and passed on; null: there was none. */
  readonly token: string | null;
  readonly revision: number;
  /** Raw bytes that the client sent right behind its hello, for the server once permitted. */
  readonly early: Uint8Array;
}

const EXITS: Readonly<Record<GateState, readonly GateState[]>> = {
  preface: ['hello', 'refused'],
  hello: ['deciding', 'refused'],
  deciding: ['deciding', 'permitted', 'refused'],
  permitted: [],
  refused: [],
};

const FROM_CLIENT = isTypeOf('hello');

/**
 * One handshake with a client, seen from the gate. `receive` reads until the hello is whole; `wait`, `permit` and
 * `refuse` return the bytes to send. A call that the state does not allow throws a `MisuseError`.
 */
export class GateHandshake {
  readonly #states = new States<GateState>('preface', EXITS);
  readonly #reader = new FrameReader(FROM_CLIENT);
  #revision = 0;
  /** What the first answer begins with; null afterwards. */
  #preface: Revisions | null = REVISIONS;

  get state(): GateState {
    return this.#states.now;
  }

  /** Feeds bytes until the hello is whole. @throws {WireFault} @throws {MisuseError} after the hello. */
  receive(chunk: Uint8Array): HelloEvent | null {
    if (this.#states.now !== 'preface' && this.#states.now !== 'hello')
      throw new MisuseError(`bytes after the hello are not the handshake's (state ${this.#states.now})`);
    this.#reader.push(chunk);
    if (this.#states.now === 'preface') {
      const theirs = takePreface(this.#reader);
      if (theirs === null) return null;
      this.#revision = requireRevision(theirs);
      this.#preface = { min: this.#revision, max: this.#revision };
      this.#states.to('hello');
    }
    const frame = this.#reader.next();
    if (frame === null) return null;
    const hello = decodeMessage('hello', frame);
    this.#states.to('deciding');
    return { ...withoutToken(hello), revision: this.#revision, early: this.#reader.rest() };
  }

  /** The notice that a client has to wait; as often as there is news. @returns the bytes to send */
  wait(message: MessageInput<'wait'>): Uint8Array {
    this.#states.step('deciding', 'deciding');
    return this.#answer(encodeMessage('wait', message));
  }

  /** The answer that admits the client; what follows on the connection is the session's. @returns the bytes to send */
  permit(message: Encodable<'permit'>): Uint8Array {
    this.#states.to('permitted');
    return this.#answer(encodeMessage('permit', message));
  }

  /** The answer that turns the client away, also after a fault of its own. @returns the bytes to send */
  refuse(message: Encodable<'refuse'>): Uint8Array {
    this.#states.to('refused');
    return this.#answer(encodeMessage('refuse', message));
  }

  #answer(frame: Uint8Array): Uint8Array {
    const preface = this.#preface;
    this.#preface = null;
    return preface === null ? frame : Buffer.concat([encodePreface(preface), frame]);
  }
}

/** Clients that say the same share a hello, as long as there is no secret in it. */
function withoutToken(hello: Message<'hello'>): Pick<HelloEvent, 'hello' | 'token'> {
  if (hello.token === undefined) return { hello, token: null };
  const { token, ...rest } = hello;
  return { hello: rest, token };
}

function requireRevision(theirs: Revisions): number {
  const agreed = agreeRevision(REVISIONS, theirs);
  if (agreed !== null) return agreed;
  const spell = ({ min, max }: Revisions) => (min === max ? `${min}` : `${min} to ${max}`);
  throw new WireFault(
    `the peer speaks protocol revision ${spell(theirs)}, this gate speaks ${spell(REVISIONS)}`,
    'PROTOCOL_UNSUPPORTED',
  );
}
