/**
 * The front end `mysql`. In this protocol the server speaks first, so a server that takes sessions is dialled and its
 * greeting handed on, without its offer of TLS; nothing of the client's goes to it before the verdict. The session goes
 * over the same connection, byte for byte; after a wait, over another one, whose authentication the client is led into.
 */
import type { Decision } from '../../policy/types.ts';
import type { Timer } from '../../ports/clock.ts';
import type { Connection } from '../../ports/transport.ts';
import {
  errorPacket,
  type HandshakeResponse,
  PacketFault,
  PacketReader,
  parseGreeting,
  parseResponse,
  withoutTls,
} from '../../wire/mysql.ts';
import type { EarlyMemory } from '../early-data.ts';
import type { Ahead } from '../pending-client.ts';
import { SpeakingClient } from '../speaking-client.ts';
import type { RefusalShown, SpeakingOptions, SpokenProtocol } from '../speaks.ts';
import { sentence } from '../wire-limits.ts';
import { SwitchedConnection } from './switched.ts';

/** MySQL and MariaDB, as `speaks: mysql` has them. */
export const mysql: SpokenProtocol = {
  createFrontEnd: (options) => ({
    protocol: 'mysql',
    isTransparent: false,
    accept: (connection, memory) => new MysqlClient(connection, options, memory),
  }),
  explainRefusal: (decision) => explainRefusal(decision, 2),
};

/** ER_UNKNOWN_ERROR: the one code of a server without a meaning of its own to any client. */
const ERROR_CODE = 1105;
const SQL_STATE = '08004';
/** Clients written in C keep 512 bytes of a message. */
const MAX_MESSAGE = 500;

/** @param sequence of the packet: 0 before the greeting */
function explainRefusal({ code, rule, message, retry }: Decision, sequence: number): RefusalShown {
  const why = rule === null ? code : `${code}, rule ${rule}`;
  const about = ` (${why}; retry: ${retry})`;
  const said = sentence(message, MAX_MESSAGE - about.length) + about;
  return {
    bytes: errorPacket(sequence, ERROR_CODE, sequence === 0 ? null : SQL_STATE, said),
    text: `ERROR ${ERROR_CODE} (${SQL_STATE}): ${said}`,
  };
}

class MysqlClient extends SpeakingClient {
  readonly protocol = 'mysql';
  readonly #fromServer = new PacketReader();
  readonly #fromClient = new PacketReader();
  #server: Connection | null = null;
  #response: { readonly packet: HandshakeResponse; readonly sequence: number } | null = null;
  #isGreeted = false;
  #timer: Timer | null = null;

  constructor(connection: Connection, options: SpeakingOptions, memory: EarlyMemory | undefined) {
    super(connection, options, memory);
    this.start();
  }

  get spokenWith(): Connection | null {
    return this.#server;
  }

  protected begin(ahead: Ahead): void {
    if (this.isSettled) return;
    ahead.server().then(
      (server) => this.#listen(server),
      (error: Error) => this.fail('SERVER_UNREACHABLE', error.message),
    );
  }

  onto(server: Connection): Connection {
    const response = this.#response;
    if (server === this.#server || response === null) return server;
    return new SwitchedConnection(server, response.packet, response.sequence);
  }

  protected refusal(decision: Decision): Uint8Array {
    const sequence = this.#response === null ? Number(this.#isGreeted) : this.#response.sequence + 1;
    return explainRefusal(decision, sequence).bytes;
  }

  #listen(server: Connection): void {
    if (this.isSettled) return;
    this.#server = server;
    const { clock, handshakeTimeout } = this.options;
    this.#timer = clock.after(handshakeTimeout, () =>
      this.fail('HANDSHAKE_TIMEOUT', `No answer to the greeting within ${handshakeTimeout / 1_000} s.`),
    );
    const lost = () => {
      this.#server = null;
      if (!this.#isGreeted)
        this.fail('SERVER_UNREACHABLE', 'The server closed the connection without a greeting.');
    };
    server.handle({
      data: (bytes) => this.#guard(() => this.#greet(bytes)),
      end: lost,
      drain() {},
      close: lost,
    });
  }

  /** Hands the greeting on; a server says nothing more before it is answered. */
  #greet(bytes: Uint8Array): void {
    this.#fromServer.add(bytes);
    const packet = this.#isGreeted ? null : this.#fromServer.next();
    if (packet === null) return;
    parseGreeting(packet);
    this.#isGreeted = true;
    this.connection.send(withoutTls(packet));
  }

  protected receive(bytes: Uint8Array): void {
    this.early.keep(bytes);
    if (this.#response !== null || this.isSettled) return;
    this.#guard(() => {
      this.#fromClient.add(bytes);
      const packet = this.#fromClient.next();
      if (packet === null) return;
      if (!this.#isGreeted) throw new PacketFault('The client spoke before it was greeted.');
      this.#response = { packet: parseResponse(packet), sequence: packet.sequence };
      this.#judge(this.#response.packet);
    });
  }

  #judge({ attributes, database, user }: HandshakeResponse): void {
    const carriers = { program_name: attributes.get('program_name'), user, database: database ?? undefined };
    const carried = (carrier: string, name: string | null) =>
      name === null ? carriers[carrier as keyof typeof carriers] : attributes.get(name);
    this.judge(carried, { driver: attributes.get('_client_name') ?? 'mysql', properties: { user } });
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof PacketFault)) throw error;
      this.fail('BAD_HANDSHAKE', error.message);
    }
  }

  protected leave(): void {
    if (this.#fromClient.isEmpty) return this.settle({ kind: 'probe' });
    this.fail('CLIENT_LEFT', 'The client left before it answered the greeting.');
  }

  protected onSettled(): void {
    this.#timer?.cancel();
  }
}
