/** The driver: dial, shake hands, hand over a stream. */
import { ClientHandshake } from '../handshake/client.ts';
import type { Connection, ConnectionHandlers } from '../ports/transport.ts';
import { dial, type Transports } from '../transport/address.ts';
import type { Message } from '../wire/messages.ts';
import { RefusedError, Session } from './session.ts';
import type { Target } from './url.ts';

export interface ConnectOptions {
  readonly signal?: AbortSignal;
  /** Called for each notice that the gate has this client wait. */
  readonly onWait?: (wait: Message<'wait'>) => void;
}

export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** As of java.sql.SQLTransientConnectionException: trying again may help. */
  readonly transient = true;
}

/**
 * @throws {RefusedError} with the decision's fields, if the gate refuses
 * @throws {ConnectError} if the gate can't be reached or breaks off
 * @throws {WireFault} if the peer is no gate
 */
export async function connectTo(
  { address, hello }: Target,
  transports: Transports,
  { signal, onWait }: ConnectOptions = {},
): Promise<Session> {
  const connection = await dial(transports, address, signal ? { signal } : {}).catch((error) => {
    throw new ConnectError(`${address}: ${error.message}`, { cause: error });
  });
  return shakeHands(connection, new ClientHandshake(hello), signal, onWait);
}

function shakeHands(
  connection: Connection,
  handshake: ClientHandshake,
  signal: AbortSignal | undefined,
  onWait: ConnectOptions['onWait'],
): Promise<Session> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      signal?.removeEventListener('abort', abort);
      connection.handle(QUIET);
      if (error instanceof RefusedError) connection.close();
      else connection.destroy();
      reject(error);
    };
    const abort = () => fail(new ConnectError('gave up before the gate had decided'));
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort);
    connection.handle({
      data(bytes) {
        try {
          for (const event of handshake.receive(bytes)) {
            if (event.kind === 'wait') onWait?.(event.wait);
            else if (event.kind === 'refuse') fail(new RefusedError(event.refuse));
            else {
              signal?.removeEventListener('abort', abort);
              resolve(new Session(connection, event.permit, event.early));
            }
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
