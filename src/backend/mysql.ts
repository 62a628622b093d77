/**
 * The back end `mysql`: a MySQL or MariaDB server, which greets with its version unasked. One that is left after its
 * greeting counts that against the host, and blocks it after `max_connect_errors` of them; so what is not used ends
 * with a login, which may well be denied: a denied one counts for nothing.
 */
import { type CancelSignal, toAbortSignal } from '../ports/cancellation.ts';
import { HeldBack } from '../ports/held-back.ts';
import type { Connection } from '../ports/transport.ts';
import { parseVersion, type Version } from '../version/version.ts';
import { CAPABILITIES, type Packet, PacketReader, packetOf, parseGreeting } from '../wire/mysql.ts';
import { type BackEnd, type ServerIdentity, UpstreamError } from './back-end.ts';

/** Who says goodbye. It needs no account, and gets in nowhere unless there is one that asks for no password. */
const USER = 'skewgate';
const COM_QUIT = packetOf(0, Uint8Array.of(1));
/** MariaDB puts it before its version, for clients that only knew single digits. */
const OLD_PREFIX = /^5\.5\.5-(?=\d+\.\d)/;

/** Where a server's release is known from; without either it is that of the server program, as it greets. */
export interface MysqlRelease {
  /** Asked at every probe. */
  readonly probeVersion?: (signal: AbortSignal) => Promise<Version>;
  /** Only sessions connect to it, and what it is is known. */
  readonly stated?: Version;
}

/** A back end for MySQL and MariaDB. */
export function createMysqlBackEnd({ probeVersion, stated }: MysqlRelease): BackEnd {
  return {
    protocol: 'mysql',
    isTransparent: true,
    ...(stated && { stated: identityOf(stated) }),
    async identify(connection, purpose, known, signal) {
      const packet = await greetingOf(connection, signal);
      const greeted = parseVersion(parseGreeting(packet).version.replace(OLD_PREFIX, ''));
      const isAsked = purpose === 'probe' || !known;
      const asked = isAsked ? await probeVersion?.(toAbortSignal(signal)) : null;
      const version = stated ?? (probeVersion === undefined ? greeted : asked);
      return {
        connection: new HeldBack(connection, packet.bytes),
        identity: version ? identityOf(version) : null,
        openSession() {},
        close: () => sayGoodbye(connection),
      };
    },
  };
}

function identityOf(version: Version): ServerIdentity {
  return { version, draining: false, level: null, token: null, ledgers: [] };
}

function greetingOf(connection: Connection, signal: CancelSignal): Promise<Packet> {
  return new Promise((resolve, reject) => {
    const reader = new PacketReader();
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', abort);
      connection.pause();
      act();
    };
    const fail = (error: Error) => settle(() => reject(error));
    const abort = () => fail(new UpstreamError('the server did not greet in time'));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    connection.handle({
      data(bytes) {
        reader.add(bytes);
        try {
          const packet = reader.next();
          if (packet !== null) settle(() => resolve(packet));
        } catch (error) {
          fail(error as Error);
        }
      },
      end: () => fail(new UpstreamError('the server closed the connection without a greeting')),
      drain() {},
      close: (error) => fail(new UpstreamError(`the server went away${error ? `: ${error.message}` : ''}`)),
    });
  });
}

/** Ends a connection that was greeted, and on which nobody said anything, so that the server holds nothing against it. */
function sayGoodbye(connection: Connection): void {
  const reader = new PacketReader();
  connection.handle({
    data(bytes) {
      reader.add(bytes);
      try {
        const answer = reader.next();
        if (answer === null) return;
        // It prefers another way to prove who somebody is: there is nothing to prove.
        if (answer.payload[0] === 0xfe)
          return void connection.send(packetOf(answer.sequence + 1, new Uint8Array()));
        connection.send(COM_QUIT);
      } catch {
        // Whatever it said: this is over.
      }
      connection.close();
    },
    end: () => connection.close(),
    drain() {},
    close() {},
  });
  connection.resume();
  connection.send(packetOf(1, loginOf(USER)));
}

function loginOf(user: string): Buffer {
  const fixed = Buffer.alloc(32);
  const { mysql, protocol41, secureConnection, pluginAuth } = CAPABILITIES;
  fixed.writeUInt32LE(mysql | protocol41 | secureConnection | pluginAuth, 0);
  fixed.writeUInt32LE(1 << 24, 4);
  /** utf8_general_ci */
  fixed[8] = 33;
  return Buffer.concat([fixed, Buffer.from(`${user}\0\0mysql_native_password\0`)]);
}
