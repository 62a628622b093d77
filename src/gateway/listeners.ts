/** The addresses on which a gate takes clients: bound in the order of the config, closed together. */
import type { FrontEnd } from '../frontend/front-end.ts';
import type { PendingClient } from '../frontend/pending-client.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { HandshakeTracker, Listener, Transport } from '../ports/transport.ts';
import { splitAddress, type Transports } from '../transport/address.ts';

export interface ListenerEntry {
  /** With scheme: `tcp://…`, `ws://…`. */
  readonly address: string;
  /** The protocol that clients speak on it. */
  readonly frontEnd: FrontEnd;
  /** With WebSocket: the web pages that may connect. */
  readonly origins?: readonly string[];
  /** Present where other processes of the same gate listen on it too: this one does so first, or joins them. */
  readonly shared?: 'first' | 'joined';
}

/** What becomes of those who come; `listener` is the address as bound. */
export interface Reception {
  /** @param tracked whether `track` was told of it before */
  accept(client: PendingClient, listener: string, tracked: boolean): void;
  track(peer: string, listener: string): ReturnType<HandshakeTracker>;
}

/** The listeners of one gate. */
export class Listeners {
  readonly #entries: readonly ListenerEntry[];
  readonly #transports: Transports;
  readonly #open: Listener[] = [];
  readonly #addresses: string[] = [];

  constructor(entries: readonly ListenerEntry[], transports: Transports) {
    this.#entries = entries;
    this.#transports = transports;
  }

  /** As bound, with scheme, in the order of the config. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /**
   * Binds every address of a fixed port and lets go of it again: a gate that can't listen is to find that out before
   * it touches the ledger.
   * @throws {Error} if one can't be bound
   */
  async check(): Promise<void> {
    for (const { address, shared } of this.#entries) {
      const [transport, rest] = this.#transportOf(address);
      if (rest.endsWith(':0') || shared === 'joined') continue;
      const listener = await transport.listen(rest, { accept: (connection) => connection.destroy() });
      await listener.close();
    }
  }

  /**
   * Binds one address after the other, until all are bound or `signal` aborts.
   * @throws {Error} if one can't be bound; those before it are still open
   */
  async open(reception: Reception, signal: CancelSignal): Promise<void> {
    for (const entry of this.#entries) if (!signal.aborted) await this.#listen(entry, reception);
  }

  /** Stops accepting. Accepted connections live on. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map((listener) => listener.close()));
  }

  async #listen({ address, frontEnd, origins, shared }: ListenerEntry, reception: Reception): Promise<void> {
    const [transport, rest, scheme] = this.#transportOf(address);
    const at = this.#addresses.push(address) - 1;
    const bound = () => this.#addresses[at] as string;
    const listener = await transport.listen(rest, {
      accept: (connection, tracked = false) =>
        reception.accept(frontEnd.accept(connection), bound(), tracked),
      transparent: frontEnd.isTransparent,
      ...(origins && { origins }),
      ...(shared && { shared: true }),
      track: (peer) => reception.track(peer, bound()),
    });
    this.#open.push(listener);
    this.#addresses[at] = `${scheme}://${listener.address}`;
  }

  #transportOf(address: string): [transport: Transport, rest: string, scheme: string] {
    const [scheme, rest] = splitAddress(address);
    const transport = this.#transports[scheme];
    if (transport === undefined) throw new Error(`no transport for ${scheme}://`);
    return [transport, rest, scheme];
  }
}
