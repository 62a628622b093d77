/**
 * The front end `redis`. A client may introduce itself (HELLO, AUTH, CLIENT SETNAME and the like), and libraries do not
 * go on before that is answered: these commands are handed on to a server that takes sessions, which alone can answer
 * them, and the client is judged at its first other command. One that asks for nothing is judged when the time for a
 * handshake is over. A refusal is the answer `-ERR` to that command.
 */
import type { Decision } from '../../policy/types.ts';
import type { CancelSignal } from '../../ports/cancellation.ts';
import type { Timer } from '../../ports/clock.ts';
import type { Connection } from '../../ports/transport.ts';
import { claimMissing, readClaim } from '../claim.ts';
import { EarlyDataBuffer, type EarlyFault, type EarlyMemory } from '../early-data.ts';
import type { Ahead, HelloResult, PendingClient } from '../pending-client.ts';
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

class RedisClient implements PendingClient {
  readonly protocol = 'redis';
  readonly connection: Connection;
  readonly #options: SpeakingOptions;
  readonly #reader = new CommandReader();
  readonly #early: EarlyDataBuffer;
  readonly #hello = Promise.withResolvers<HelloResult>();
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
  #isSettled = false;
  #timer: Timer;

  constructor(connection: Connection, options: SpeakingOptions, memory: EarlyMemory | undefined) {
    this.connection = connection;
    this.#options = options;
    this.#early = new EarlyDataBuffer(connection, memory);
    this.#timer = this.#startTimer();
    connection.handle({
      data: (bytes) => this.#receive(bytes),
      end: () => {
        this.#early.end();
        this.#leave();
      },
      drain() {},
      close: () => {
        this.#leave();
        this.#early.leave();
      },
    });
  }

  get gone(): CancelSignal {
    return this.#early.gone;
  }

  get fault(): EarlyFault | null {
    return this.#early.fault;
  }

  get spokenWith(): Connection | null {
    return this.#server;
  }

  hello(ahead: Ahead): Promise<HelloResult> {
    this.#ahead = ahead;
    this.#handOn();
    return this.#hello.promise;
  }

  wait(): void {}

  permit(): void {}

  onto(server: Connection): Connection {
    const isNew = server !== this.#server && this.#introduction.commands.length > 0;
    return isNew ? new IntroducedConnection(server, this.#introduction) : server;
  }

  refuse(decision: Decision): void {
    this.#settle({ kind: 'failed', code: decision.code, message: decision.message });
    this.connection.send(explainRefusal(decision).bytes);
    this.connection.close();
  }

  earlyData(): EarlyDataBuffer {
    return this.#early;
  }

  #startTimer(): Timer {
    const { clock, handshakeTimeout } = this.#options;
    return clock.after(handshakeTimeout, () => {
      if (this.#introduction.commands.length > 0 && !this.#isWaitingForAnswers) return this.#judge();
      const message = `No command within ${handshakeTimeout / 1_000} s.`;
      this.#settle({ kind: 'failed', code: 'HANDSHAKE_TIMEOUT', message });
    });
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isHeard || this.#isSettled) return this.#early.keep(bytes);
    try {
      for (const event of this.#reader.receive(bytes))
        if (event.kind === 'introduction') this.#introduction.add(event.words, event.bytes);
        else this.#other(event.rest);
    } catch (error) {
      if (!(error instanceof CommandFault)) throw error;
      this.#settle({ kind: 'failed', code: 'BAD_HANDSHAKE', message: error.message });
    }
    this.#handOn();
  }

  /** Something else than an introduction: what has been answered by now is all that it says of itself. */
  #other(rest: Uint8Array): void {
    this.#isHeard = true;
    this.#early.keep(rest);
    if (!this.#isWaitingForAnswers) this.#judge();
  }

  get #isWaitingForAnswers(): boolean {
    return this.#framer.replies < this.#introduction.commands.length;
  }

  #judge(): void {
    const { claims } = this.#options;
    const claim = readClaim(claims, (carrier) => this.#introduction.carried(carrier));
    if (claim === null) return this.#settle(claimMissing(claims));
    const { version, source } = claim;
    const { upgrade, protocol } = claims;
    const driver = this.#introduction.carried('lib_name') ?? 'redis';
    const user = this.#introduction.carried('user');
    const properties = user === undefined ? {} : { user };
    this.#settle({
      kind: 'hello',
      hello: { version, driver, properties, upgrade, claim: { source }, ...(protocol && { protocol }) },
    });
  }

  /** Gives a server what of the introduction it has not got. */
  #handOn(): void {
    if (this.#isSettled || this.#ahead === null || this.#handedOn === this.#introduction.commands.length)
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
        if (!this.#isSettled) this.#timer = this.#startTimer();
        this.#listen(server);
        this.#handOn();
      },
      (error: Error) => this.#settle({ kind: 'failed', code: 'SERVER_UNREACHABLE', message: error.message }),
    );
  }

  #listen(server: Connection): void {
    const lost = () => {
      this.#server = null;
      const message = 'The server closed the connection in answer to what the client says of itself.';
      this.#settle({ kind: 'failed', code: 'SERVER_UNREACHABLE', message });
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

  #leave(): void {
    if (this.#isHeard) return;
    if (this.#reader.isEmpty) return this.#settle({ kind: 'probe' });
    const message = 'The client left before its first command.';
    this.#settle({ kind: 'failed', code: 'CLIENT_LEFT', message });
  }

  #settle(result: HelloResult): void {
    this.#timer.cancel();
    this.#isSettled = true;
    this.#hello.resolve(result);
  }
}
