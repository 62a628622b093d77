/** What a Redis client says of itself before it asks for anything: kept to read its claim, and to say it to another server. */

import { ForwardingConnection } from '../../ports/forwarding.ts';
import type { Connection, ConnectionHandlers } from '../../ports/transport.ts';
import type { PROTOCOLS } from '../carriers.ts';
import { ReplyFramer } from './replies.ts';

/** The commands with which one client introduced itself. */
export class Introduction {
  /** As they came, oldest first. */
  readonly commands: Uint8Array[] = [];
  readonly #said = new Map<string, string>();

  /** Takes the next command. @param words of it, the first being its name */
  add(words: readonly string[], bytes: Uint8Array): void {
    this.commands.push(bytes);
    const [name, ...rest] = words;
    const command = name?.toUpperCase();
    if (command === 'HELLO') this.#hello(rest);
    else if (command === 'AUTH') this.#note('user', rest.length > 1 ? rest[0] : undefined);
    else if (command === 'CLIENT') this.#client(rest);
  }

  /** What stands at a carrier; undefined: nothing. */
  carried(carrier: string): string | undefined {
    return this.#said.get(carrier);
  }

  /** `HELLO VERSION [AUTH USER PASSWORD] [SETNAME NAME]` */
  #hello(rest: readonly string[]): void {
    for (let at = 1; at < rest.length; ) {
      const option = rest[at]?.toUpperCase();
      this.#note(option === 'AUTH' ? 'user' : 'client_name', rest[at + 1]);
      at += option === 'AUTH' ? 3 : 2;
    }
  }

  #client([what = '', first, second]: readonly string[]): void {
    const option = what.toUpperCase();
    if (option === 'SETNAME') this.#note('client_name', first);
    if (option !== 'SETINFO') return;
    this.#note(first?.toUpperCase() === 'LIB-NAME' ? 'lib_name' : 'lib_ver', second);
  }

  #note(carrier: keyof (typeof PROTOCOLS)['redis']['carriers'], value: string | undefined): void {
    if (value !== undefined) this.#said.set(carrier, value);
  }
}

/**
 * A server to which a client was introduced that had introduced itself to another one: the client has its answers, and
 * gets nothing of this server's until it has answered the same.
 */
export class IntroducedConnection extends ForwardingConnection {
  readonly #replies: number;
  readonly #framer = new ReplyFramer();

  /** Says the commands to the server. */
  constructor(server: Connection, { commands }: Introduction) {
    super(server);
    this.#replies = commands.length;
    for (const command of commands) server.send(command);
  }

  handle(handlers: ConnectionHandlers): void {
    if (this.#framer.replies === this.#replies) return this.inner.handle(handlers);
    this.inner.handle({
      data: (bytes) => this.#swallow(bytes, handlers),
      end: () => handlers.end(),
      drain: () => handlers.drain(),
      close: (error) => handlers.close(error),
    });
  }

  #swallow(bytes: Uint8Array, handlers: ConnectionHandlers): void {
    const swallowed = this.#framer.receive(bytes, this.#replies);
    if (this.#framer.isBroken) return this.inner.destroy();
    if (this.#framer.replies < this.#replies) return;
    this.inner.handle(handlers);
    if (swallowed < bytes.length) handlers.data(bytes.subarray(swallowed));
  }
}
