/** A transport whose code is read when somebody needs it: most gates have no WebSocket, and it brings HTTP with it. */
import type { Connection, DialOptions, Listener, ListenOptions, Transport } from '../ports/transport.ts';

/** A transport that is loaded by its first use, or before it by `load`. It lends nothing (`Transport.lends`). */
export class WhenUsed implements Transport {
  readonly #import: () => Promise<Transport>;
  #loaded: Promise<Transport> | null = null;

  /** @param load imports the module, and makes the transport */
  constructor(load: () => Promise<Transport>) {
    this.#import = load;
  }

  /** Loads it; a process calls this while it is sure to have descriptors left. @throws as the import */
  load(): Promise<Transport> {
    this.#loaded ??= this.#import();
    return this.#loaded;
  }

  /** See `Transport.listen`. */
  async listen(address: string, options: ListenOptions): Promise<Listener> {
    return (await this.load()).listen(address, options);
  }

  /** See `Transport.dial`. */
  async dial(address: string, options?: DialOptions): Promise<Connection> {
    return (await this.load()).dial(address, options);
  }
}
