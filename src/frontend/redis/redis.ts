/**
 * The front end `redis`. A client may introduce itself (HELLO, AUTH, CLIENT SETNAME and the like), and libraries do not
 * go on before that is answered: these commands are handed on to a server that takes sessions, which alone can answer
 * them, and the client is judged at its first other command. One that asks for nothing is judged when the time for a
 * handshake is over. A refusal is the answer `-ERR` to that command.
 */
import type { Decision } from '../../policy/types.ts';
import type { Timer } from '../../ports/clock.ts';
import type { Connection } from '../../ports/transport.ts';
import type { EarlyMemory } from '../early-data.ts';
import type { Ahead } from '../pending-client.ts';
import { SpeakingClient } from '../speaking-client.ts';
import type { RefusalShown, SpeakingOptions, SpokenProtocol } from '../speaks.ts';
import { sentence } from '../wire-limits.ts';
import { CommandFault, CommandReader } from './commands.ts';
import { IntroducedConnection, Introduction } from './introduction.ts';
import { ReplyFramer } from './replies.ts';

/** Redis, as `speaks: redis` has it. */
export const redis: SpokenProtocol = {
  createFrontEnd: (options) => ({
    protocol: 'redis',
    isTransparent: false,
    accept: (connection, memory) => new RedisClient(connection, options, memory),
  }),
  explainRefusal,
};

/** What a refused client gets, and what redis-cli prints of it. */
function explainRefusal({ code, rule, message, retry }: Decision): RefusalShown {
  const why = rule === null ? code : `${code}, rule ${rule}`;
  const said = sentence(message).replace(/[\p{Cc}\s]+/gu, ' ');
  const line = `ERR ${said} (${why}; retry: ${retry})`;
  return { bytes: Buffer.from(`-${line}\r\n`), text: `(error) ${line}` };
}

/** Bytes with which a server may answer an introduction. */
const MAX_ANSWERS = 65_536;

class RedisClient extends SpeakingClient {
  readonly protocol = 'redis';
  readonly #reader = new CommandReader();
  readonly #introduction = new Introduction();
  /** Follows the answers to it. */
  readonly #framer = new ReplyFramer();
  #ahead: Ahead | null = null;
  /** The server that it introduced itself to, while that is there. */
  #server: Connection | null = null;
  #isDialling = false;
  /** Of the introduction, how many commands were handed on. */
  #handedOn = 0;
  #answered = 0;
  /** Nothing more is read of what it sends. */
  #isHeard = false;
  #timer: Timer;

  constructor(connection: Connection, options: SpeakingOptions, memory: EarlyMemory | undefined) {
    super(connection, options, memory);
    this.#timer = this.#startTimer();
    this.start();
  }

  get spokenWith(): Connection | null {
    return this.#server;
  }

  protected begin(ahead: Ahead): void {
    this.#ahead = ahead;
    this.#handOn();
  }

  onto(server: Connection): Connection {
    const isNew = server !== this.#server && this.#introduction.commands.length > 0;
    return isNew ? new IntroducedConnection(server, this.#introduction) : server;
  }

  protected refusal(decision: Decision): Uint8Array {
    return explainRefusal(decision).bytes;
  }

  #startTimer(): Timer {
    const { clock, handshakeTimeout } = this.options;
    return clock.after(handshakeTimeout, () => {
      if (this.#introduction.commands.length > 0 && !this.#isWaitingForAnswers) return this.#judge();
      this.fail('HANDSHAKE_TIMEOUT', `No command within ${handshakeTimeout / 1_000} s.`);
    });
  }

  protected receive(bytes: Uint8Array): void {
    if (this.#isHeard || this.isSettled) return this.early.keep(bytes);
    try {
      for (const event of this.#reader.receive(bytes))
        if (event.kind === 'introduction') this.#introduction.add(event.words, event.bytes);
        else this.#other(event.rest);
    } catch (error) {
      if (!(error instanceof CommandFault)) throw error;
      this.fail('BAD_HANDSHAKE', error.message);
    }
    this.#handOn();
  }

  /** Something else than an introduction: what has been answered by now is all that it says of itself. */
  #other(rest: Uint8Array): void {
    this.#isHeard = true;
    this.early.keep(rest);
    if (!this.#isWaitingForAnswers) this.#judge();
  }

  get #isWaitingForAnswers(): boolean {
    return this.#framer.replies < this.#introduction.commands.length;
  }

  #judge(): void {
    const carried = (carrier: string) => this.#introduction.carried(carrier);
    const user = carried('user');
    const driver = carried('lib_name') ?? 'redis';
    this.judge(carried, { driver, properties: user === undefined ? {} : { user } });
  }

  /** Gives a server what of the introduction it has not got. */
  #handOn(): void {
    if (this.isSettled || this.#ahead === null || this.#handedOn === this.#introduction.commands.length)
      return;
    if (this.#server === null) return this.#dial(this.#ahead);
    for (const command of this.#introduction.commands.slice(this.#handedOn)) this.#server.send(command);
    this.#handedOn = this.#introduction.commands.length;
  }

  #dial(ahead: Ahead): void {
    if (this.#isDialling) return;
    this.#isDialling = true;
    // A client can wait for a server for longer than for its own words.
    this.#timer.cancel();
    ahead.server().then(
      (server) => {
        this.#server = server;
        if (!this.isSettled) this.#timer = this.#startTimer();
        this.#listen(server);
        this.#handOn();
      },
      (error: Error) => this.fail('SERVER_UNREACHABLE', error.message),
    );
  }

  #listen(server: Connection): void {
    const lost = () => {
      this.#server = null;
      this.fail(
        'SERVER_UNREACHABLE',
        'The server closed the connection in answer to what the client says of itself.',
      );
    };
    server.handle({
      data: (bytes) => {
        this.connection.send(bytes);
        this.#answered += bytes.length;
        this.#framer.receive(bytes);
        if (this.#framer.isBroken || this.#answered > MAX_ANSWERS) return server.destroy();
        if (this.#isHeard && !this.#isWaitingForAnswers) this.#judge();
      },
      end: lost,
      drain() {},
      close: lost,
    });
  }

  protected leave(): void {
    if (this.#isHeard) return;
    if (this.#reader.isEmpty) return this.settle({ kind: 'probe' });
    this.fail('CLIENT_LEFT', 'The client left before its first command.');
  }

  protected onSettled(): void {
    this.#timer.cancel();
  }
}
