/**
 * The addresses on which a gate takes clients: bound in the order of the config, closed together. A reload binds and
 * closes single ones; one that stays keeps its socket, and with it whoever the kernel has queued there.
 */
import type { FrontEnd } from '../frontend/front-end.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { Prepared } from '../ports/prepared.ts';
import type {
  Connection,
  HandshakeTracker,
  Listener,
  PendingHandshake,
  Transport,
} from '../ports/transport.ts';
import { splitAddress, type Transports } from '../transport/address.ts';

export interface ListenerEntry {
  /** With scheme: `tcp://…`, `ws://…`. */
  readonly address: string;
  /** The protocol that clients speak on it. */
  readonly frontEnd: FrontEnd;
  /** With WebSocket: the web pages that may connect. */
  readonly origins?: readonly string[];
  /** Present where other processes may listen on it too: this one does so first, or joins those that do. */
  readonly shared?: 'first' | 'joined';
  /** A descriptor of a socket that listens there already. */
  readonly socket?: number;
}

/** What becomes of those who come; `listener` is the address as bound. */
export interface Reception {
  /** @param handshake what `track` returned, where it was told of it before */
  accept(connection: Connection, frontEnd: FrontEnd, listener: string, handshake?: PendingHandshake): void;
  track(peer: string, listener: string, protocol: string): ReturnType<HandshakeTracker>;
}

/** A listener that is bound, and what the config says of it now. */
interface OpenListener {
  entry: ListenerEntry;
  /** As bound, with scheme. */
  readonly address: string;
  readonly listener: Listener;
}

/** The listeners of one gate. */
export class Listeners {
  readonly #entries: readonly ListenerEntry[];
  readonly #transports: Transports;
  #open: readonly OpenListener[] = [];
  #reception: Reception | null = null;
  #closed = false;

  constructor(entries: readonly ListenerEntry[], transports: Transports) {
    this.#entries = entries;
    this.#transports = transports;
  }

  /** As bound, with scheme, in the order of the config. */
  get addresses(): readonly string[] {
    return this.#open.map(({ address }) => address);
  }

  /** Reads the code of front ends that most gates do without. */
  load(): Promise<void> {
    return loadAll(this.#entries);
  }

  /**
   * Binds every address of a fixed port and lets go of it again: a gate that can't listen is to find that out before
   * it touches the ledger.
   * @throws {Error} if one can't be bound
   */
  async check(): Promise<void> {
    for (const { address, shared, socket } of this.#entries) {
      const [transport, rest] = this.#transportOf(address);
      if (rest.endsWith(':0') || shared === 'joined' || socket !== undefined) continue;
      const listener = await transport.listen(rest, { accept: (connection) => connection.destroy() });
      await listener.close();
    }
  }

  /**
   * Binds one address after the other, until all are bound or `signal` aborts.
   * @throws {Error} if one can't be bound; those before it are still open
   */
  async open(reception: Reception, signal: CancelSignal): Promise<void> {
    this.#reception = reception;
    for (const entry of this.#entries)
      if (!signal.aborted) this.#open = [...this.#open, await this.#listen(entry, reception)];
  }

  /** Takes whoever the system has taken already, and listens no more. Peers on their way in go on. */
  async stopListening(): Promise<void> {
    await Promise.all(this.#open.map(({ listener }) => listener.stopListening()));
  }

  /** Stops accepting. Accepted connections live on. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#open.map(({ listener }) => listener.close()));
  }

  /**
   * Binds the addresses of `entries` that are new. Who comes there before the change is made is a client already.
   * @returns the change: which listeners there are, and what is said of those that stay
   * @throws {Error} if one can't be bound; none of the new ones is then
   */
  async prepare(entries: readonly ListenerEntry[]): Promise<Prepared> {
    const reception = this.#reception;
    if (reception === null) throw new Error('the gate does not listen yet');
    await loadAll(entries);
    const left = [...this.#open];
    const fresh: OpenListener[] = [];
    const next: { readonly open: OpenListener; readonly entry: ListenerEntry }[] = [];
    const close = (listeners: readonly OpenListener[]) => {
      for (const { listener } of listeners) void listener.stopListening().then(() => listener.close());
    };
    try {
      for (const entry of entries) {
        const at = left.findIndex((open) => [open.entry.address, open.address].includes(entry.address));
        const open = left.splice(at, at < 0 ? 0 : 1)[0] ?? (await this.#listen(entry, reception));
        if (at < 0) fresh.push(open);
        next.push({ open, entry });
      }
    } catch (error) {
      close(fresh);
      throw error;
    }
    return {
      commit: () => {
        for (const { open, entry } of next) open.entry = entry;
        this.#open = next.map(({ open }) => open);
        // The gate may have begun to stop meanwhile.
        close(this.#closed ? fresh : left);
      },
      abandon: () => close(fresh),
    };
  }

  async #listen(stated: ListenerEntry, reception: Reception): Promise<OpenListener> {
    const [transport, rest, scheme] = this.#transportOf(stated.address);
    let open: OpenListener | null = null;
    const now = () => open?.entry ?? stated;
    const bound = () => open?.address ?? stated.address;
    const listener = await transport.listen(rest, {
      accept: (connection, handshake) => reception.accept(connection, now().frontEnd, bound(), handshake),
      get transparent() {
        return now().frontEnd.isTransparent;
      },
      get origins() {
        return now().origins ?? [];
      },
      ...(stated.shared && { shared: true }),
      ...(stated.socket !== undefined && { socket: stated.socket }),
      track: (peer) => reception.track(peer, bound(), now().frontEnd.protocol),
    });
    open = { entry: stated, address: `${scheme}://${listener.address}`, listener };
    return open;
  }

  #transportOf(address: string): [transport: Transport, rest: string, scheme: string] {
    const [scheme, rest] = splitAddress(address);
    const transport = this.#transports[scheme];
    if (transport === undefined) throw new Error(`no transport for ${scheme}://`);
    return [transport, rest, scheme];
  }
}

async function loadAll(entries: readonly ListenerEntry[]): Promise<void> {
  await Promise.all(entries.map(({ frontEnd }) => frontEnd.load?.()));
}
