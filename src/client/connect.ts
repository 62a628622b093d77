/** The driver: dial, shake hands, hand over a stream. */
import { ClientHandshake } from '../handshake/client.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Connection, ConnectionHandlers } from '../ports/transport.ts';
import { dial, type Transports } from '../transport/address.ts';
import { RefusedError, Session, type WaitNotice } from './session.ts';
import type { Target } from './url.ts';

export interface ConnectOptions {
  /** Gives the attempt up. A session that is open already is not concerned. */
  readonly signal?: AbortSignal;
  /** ms without a word from the gate after which the driver gives up; a gate has a client wait only with news. */
  readonly timeout?: number;
  /** Called for each notice that the gate has this client wait. */
  readonly onWait?: (wait: WaitNotice) => void;
  /** The secret that says who this client is, where the gate asks for one; it counts before that of the URL. */
  readonly token?: string;
}

/** Where a driver finds itself. */
export interface DriverDependencies {
  readonly transports: Transports;
  readonly clock: Clock;
}

export const DEFAULT_TIMEOUT = 30_000;

/** No gate could be reached, or it broke off or said nothing in time. Nothing was decided about the client. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** As of java.sql.SQLTransientConnectionException: trying again may help. */
  readonly transient = true;
}

/**
 * Connects to a gate, and waits for its verdict as long as it sends news.
 * @returns the stream of an admitted client
 * @throws {RefusedError} with the decision's fields, if the gate refuses
 * @throws {ConnectError} if the gate can't be reached, breaks off or says nothing
 * @throws {WireFault} if the peer is no gate
 */
export async function connectTo(
  { address, hello }: Target,
  { transports, clock }: DriverDependencies,
  { signal, timeout = DEFAULT_TIMEOUT, onWait, token }: ConnectOptions = {},
): Promise<Session> {
  const inactivity = new InactivityTimeout(clock, timeout, signal);
  try {
    const connection = await dial(transports, address, { signal: inactivity.signal }).catch((error) => {
      throw new ConnectError(`${address}: ${inactivity.reason ?? error.message}`, { cause: error });
    });
    return await shakeHands(
      connection,
      new ClientHandshake({ ...hello, ...(token !== undefined && { token }) }),
      inactivity,
      onWait,
    );
  } finally {
    inactivity.end();
  }
}

/** Runs out after so long without a word, or when the caller says so. */
class InactivityTimeout {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #parent: AbortSignal | undefined;
  readonly #stop = () => this.#runOut('gave up before the gate had decided');
  #timer: Timer | null = null;
  /** For people, once it has run out. */
  reason: string | null = null;

  constructor(clock: Clock, timeout: number, parent: AbortSignal | undefined) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#parent = parent;
    this.renew();
    if (parent?.aborted) this.#stop();
    parent?.addEventListener('abort', this.#stop);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  renew(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#timeout, () =>
      this.#runOut(`no word from the gate for ${this.#timeout / 1_000} s`),
    );
  }

  end(): void {
    this.#timer?.cancel();
    this.#parent?.removeEventListener('abort', this.#stop);
  }

  #runOut(reason: string): void {
    this.reason = reason;
    this.#controller.abort();
  }
}

function shakeHands(
  connection: Connection,
  handshake: ClientHandshake,
  inactivity: InactivityTimeout,
  onWait: ConnectOptions['onWait'],
): Promise<Session> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      connection.handle(QUIET);
      if (error instanceof RefusedError) connection.close();
      else connection.destroy();
      reject(error);
    };
    const giveUp = () => fail(new ConnectError(inactivity.reason ?? ''));
    if (inactivity.signal.aborted) return giveUp();
    inactivity.signal.addEventListener('abort', giveUp);
    connection.handle({
      data(bytes) {
        try {
          for (const event of handshake.receive(bytes)) {
            if (event.kind === 'wait') {
              inactivity.renew();
              onWait?.(event.wait);
            } else if (event.kind === 'refuse') fail(new RefusedError(event.refuse));
            else resolve(new Session(connection, event.permit, event.early));
          }
        } catch (error) {
          fail(error);
        }
      },
      end: () => fail(new ConnectError('the gate closed the connection before it had decided')),
      drain() {},
      close: (error) => fail(new ConnectError(`the connection was lost${error ? `: ${error.message}` : ''}`)),
    });
    try {
      connection.send(handshake.start());
    } catch (error) {
      fail(error);
    }
  });
}

const QUIET: ConnectionHandlers = { data() {}, end() {}, drain() {}, close() {} };
