/** A network inside the process, on the clock it is given: for tests and simulations. */
import type { Clock } from '../ports/clock.ts';
import type { Connection, ConnectionHandlers, Transport } from '../ports/transport.ts';
import type { CloseReason } from '../wire/close.ts';

/** Bytes in flight or unread before `send` asks its caller to wait. */
const HIGH_WATER = 65_536;

type Parcel =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'close'; readonly error: Error | null };

/** What all ends of one network share. */
interface Medium {
  /** Until what is sent now arrives, ms. */
  readonly delay: () => number;
  /** The ends that dialled, of all connections that are open. */
  readonly links: Set<MemoryConnection>;
}

class MemoryConnection implements Connection {
  readonly peer: string;
  /** The node at this end. */
  readonly node: string;
  /** Of the node at this end: it stands still while the node does. */
  readonly #clock: Clock;
  readonly #medium: Medium;
  /** When the last parcel sent arrives: none overtakes it. */
  #arrival = Number.NEGATIVE_INFINITY;
  /** The other end; set once both exist. */
  other!: MemoryConnection;
  /** What the peer's close said, as a WebSocket would show it. */
  closeReason: CloseReason | null = null;
  #handlers: ConnectionHandlers | null = null;
  /** What came while it could not be delivered; null: nothing, as mostly. */
  #inbox: Parcel[] | null = null;
  #unread = 0;
  #paused = false;
  #ended = false;
  #closed = false;
  #delivering = false;
  #wantsDrain = false;
  #peerEnded = false;
  /** How it ended, for handlers that come late; undefined until then. */
  #gone: Error | null | undefined;

  constructor(peer: string, node: string, clock: Clock, medium: Medium) {
    this.peer = peer;
    this.node = node;
    this.#clock = clock;
    this.#medium = medium;
  }

  handle(handlers: ConnectionHandlers): void {
    const first = this.#handlers === null;
    this.#handlers = handlers;
    const error = this.#gone;
    if (first && error !== undefined) this.#clock.after(0, () => this.#handlers?.close(error));
    else this.#deliver();
  }

  send(bytes: Uint8Array): boolean {
    if (this.#ended || this.#closed || bytes.length === 0) return true;
    this.other.#unread += bytes.length;
    this.#post({ kind: 'data', bytes });
    this.#wantsDrain = this.other.#unread > HIGH_WATER;
    return !this.#wantsDrain;
  }

  sendLent(bytes: Uint8Array): boolean {
    return this.send(bytes.slice());
  }

  end(): void {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    this.#post({ kind: 'end' });
    this.#closeIfBothEnded();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  close(closeReason?: CloseReason): void {
    if (this.#closed) return;
    this.other.closeReason = closeReason ?? null;
    this.#post({ kind: 'close', error: null });
    this.#shut(null);
  }

  destroy(): void {
    if (this.#closed) return;
    this.#post({ kind: 'close', error: new Error('connection reset by peer') });
    this.#shut(null);
  }

  /** The link is gone: both ends notice, what was under way is lost. */
  cut(): void {
    const error = new Error('the connection was cut');
    this.#shut(error);
    this.other.#shut(error);
  }

  #post(parcel: Parcel): void {
    const { other } = this;
    const now = this.#clock.monotonic();
    this.#arrival = Math.max(this.#arrival, now + this.#medium.delay());
    other.#clock.after(this.#arrival - now, () => other.#arrive(parcel));
  }

  #arrive(parcel: Parcel): void {
    // Who is paused hears at once that the connection broke; what came before is lost, as on TCP.
    if (this.#paused && parcel.kind === 'close' && parcel.error !== null) this.#inbox = null;
    if (this.#inbox === null && !this.#delivering && this.#takes(parcel)) {
      this.#delivering = true;
      this.#accept(parcel);
      this.#delivering = false;
    } else {
      this.#inbox ??= [];
      this.#inbox.push(parcel);
    }
    this.#deliver();
  }

  #takes(parcel: Parcel): boolean {
    return this.#handlers !== null && !this.#closed && (!this.#paused || parcel.kind === 'close');
  }

  #deliver(): void {
    if (this.#delivering || this.#inbox === null) return;
    this.#delivering = true;
    while (this.#inbox !== null) {
      const parcel: Parcel = this.#inbox[0] as Parcel;
      if (!this.#takes(parcel)) break;
      this.#inbox.shift();
      if (this.#inbox.length === 0) this.#inbox = null;
      this.#accept(parcel);
    }
    this.#delivering = false;
  }

  #accept(parcel: Parcel): void {
    if (parcel.kind === 'close') return this.#shut(parcel.error);
    if (parcel.kind === 'end') {
      this.#peerEnded = true;
      this.#handlers?.end();
      return this.#closeIfBothEnded();
    }
    this.#unread -= parcel.bytes.length;
    this.#handlers?.data(parcel.bytes);
    if (this.other.#wantsDrain && this.#unread <= HIGH_WATER) {
      this.other.#wantsDrain = false;
      this.other.#clock.after(this.#medium.delay(), () => {
        if (!this.other.#closed) this.other.#handlers?.drain();
      });
    }
  }

  #closeIfBothEnded(): void {
    if (this.#ended && this.#peerEnded) this.#shut(null);
  }

  #shut(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbox = null;
    this.#medium.links.delete(this);
    this.#clock.after(0, () => {
      this.#gone = error;
      this.#handlers?.close(error);
    });
  }
}

export interface MemoryNetwork extends Transport {
  /** Addresses in use. */
  readonly listening: ReadonlySet<string>;
  /** The network as one node sees it: what it sends and gets goes by its own clock. */
  at(node: string, clock: Clock): Transport;
  /** Cuts connections between two nodes, and refuses new ones until they are healed. */
  cut(a: string, b: string): void;
  heal(a: string, b: string): void;
  /** The node is gone: its addresses, and its connections, which their peers see reset. */
  remove(node: string): void;
}

export interface MemoryNetworkOptions {
  /** One way, ms. */
  readonly latency?: number;
  /** Added to a parcel's latency, ms: a lost packet is one that comes late. */
  readonly jitter?: () => number;
}

/** The same whichever comes first. */
const pair = (a: string, b: string) => (a < b ? `${a} ${b}` : `${b} ${a}`);

/** Of callers that do not say which node they are. */
const ANYWHERE = '';

/**
 * A network without sockets: a delay is all that lies between two ends. What is sent while a link is cut is lost.
 * @param options latency one way, ms, or more than that
 */
export function createMemoryNetwork(
  clock: Clock,
  options: number | MemoryNetworkOptions = {},
): MemoryNetwork {
  const { latency = 0, jitter = () => 0 } = typeof options === 'number' ? { latency: options } : options;
  const listeners = new Map<
    string,
    { node: string; clock: Clock; accept: (connection: Connection) => void }
  >();
  const links = new Set<MemoryConnection>();
  const cuts = new Set<string>();
  const medium: Medium = { delay: () => latency + jitter(), links };
  let dialled = 0;
  let port = 49_151;

  const connect = (address: string, from: { node: string; clock: Clock }): MemoryConnection => {
    const listener = listeners.get(address);
    if (listener === undefined) throw new Error(`connection refused: ${address}`);
    if (cuts.size > 0 && cuts.has(pair(from.node, listener.node))) throw new Error(`no route to ${address}`);
    const near = new MemoryConnection(address, from.node, from.clock, medium);
    const peer = `${from.node || 'memory'}:${++dialled}`;
    const far = new MemoryConnection(peer, listener.node, listener.clock, medium);
    near.other = far;
    far.other = near;
    links.add(near);
    // A node that stands still accepts when it goes on.
    listener.clock.after(0, () => listener.accept(far));
    return near;
  };

  const at = (node: string, own: Clock): Transport => ({
    async listen(asked, { accept }) {
      const address = asked.replace(/:0$/, () => `:${++port}`);
      if (listeners.has(address)) throw new Error(`${address} is in use`);
      listeners.set(address, { node, clock: own, accept });
      const stop = () => {
        if (listeners.get(address)?.node === node) listeners.delete(address);
      };
      return {
        address,
        stopListening: async () => stop(),
        close: async () => stop(),
      };
    },
    dial(address, { signal } = {}) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(new Error(`gave up dialling ${address}`));
        own.after(latency, () => {
          if (signal?.aborted) return reject(new Error(`gave up dialling ${address}`));
          try {
            resolve(connect(address, { node, clock: own }));
          } catch (error) {
            reject(error);
          }
        });
      });
    },
  });

  return {
    ...at(ANYWHERE, clock),
    at,
    get listening() {
      return new Set(listeners.keys());
    },
    cut(a, b) {
      cuts.add(pair(a, b));
      for (const near of [...links]) if (pair(near.node, near.other.node) === pair(a, b)) near.cut();
    },
    heal(a, b) {
      cuts.delete(pair(a, b));
    },
    remove(node) {
      for (const [address, listener] of listeners) if (listener.node === node) listeners.delete(address);
      for (const near of [...links]) if (near.node === node || near.other.node === node) near.cut();
    },
  };
}
