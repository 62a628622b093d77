/** A network inside the process, on the clock it is given: for tests and simulations. */
import type { Clock } from '../ports/clock.ts';
import type { Connection, ConnectionHandlers, Transport } from '../ports/transport.ts';
import type { Farewell } from '../wire/close.ts';

/** Bytes in flight or unread before `send` asks its caller to wait. */
const HIGH_WATER = 65_536;

type Parcel =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'close'; readonly error: Error | null };

class MemoryConnection implements Connection {
  readonly peer: string;
  readonly #clock: Clock;
  readonly #latency: number;
  /** The other end; set once both exist. */
  other!: MemoryConnection;
  /** What the peer's close said, as a WebSocket would show it. */
  farewell: Farewell | null = null;
  #handlers: ConnectionHandlers | null = null;
  #inbox: Parcel[] = [];
  #unread = 0;
  #paused = false;
  #ended = false;
  #closed = false;
  #delivering = false;
  #wantsDrain = false;
  #peerEnded = false;
  /** How it ended, for handlers that come late; undefined until then. */
  #gone: Error | null | undefined;

  constructor(peer: string, clock: Clock, latency: number) {
    this.peer = peer;
    this.#clock = clock;
    this.#latency = latency;
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

  close(farewell?: Farewell): void {
    if (this.#closed) return;
    this.other.farewell = farewell ?? null;
    this.#post({ kind: 'close', error: null });
    this.#shut(null);
  }

  destroy(): void {
    if (this.#closed) return;
    this.#post({ kind: 'close', error: new Error('connection reset by peer') });
    this.#shut(null);
  }

  #post(parcel: Parcel): void {
    const { other } = this;
    this.#clock.after(this.#latency, () => {
      other.#inbox.push(parcel);
      other.#deliver();
    });
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    while (this.#handlers !== null && !this.#closed) {
      const parcel = this.#inbox[0];
      if (parcel === undefined || (this.#paused && parcel.kind !== 'close')) break;
      this.#inbox.shift();
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
      this.#clock.after(this.#latency, () => {
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
    this.#inbox = [];
    this.#clock.after(0, () => {
      this.#gone = error;
      this.#handlers?.close(error);
    });
  }
}

export interface MemoryNetwork extends Transport {
  /** Addresses in use. */
  readonly listening: ReadonlySet<string>;
}

/** @param latency one way, ms. */
export function createMemoryNetwork(clock: Clock, latency = 0): MemoryNetwork {
  const listeners = new Map<string, (connection: Connection) => void>();
  let dialled = 0;
  let port = 49_151;
  return {
    get listening() {
      return new Set(listeners.keys());
    },
    async listen(asked, accept) {
      const address = asked.replace(/:0$/, () => `:${++port}`);
      if (listeners.has(address)) throw new Error(`${address} is in use`);
      listeners.set(address, accept);
      return {
        address,
        close: async () => {
          listeners.delete(address);
        },
      };
    },
    dial(address, { signal } = {}) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(new Error(`gave up dialling ${address}`));
        clock.after(latency, () => {
          const accept = listeners.get(address);
          if (signal?.aborted) return reject(new Error(`gave up dialling ${address}`));
          if (accept === undefined) return reject(new Error(`connection refused: ${address}`));
          const near = new MemoryConnection(address, clock, latency);
          const far = new MemoryConnection(`memory:${++dialled}`, clock, latency);
          near.other = far;
          far.other = near;
          accept(far);
          resolve(near);
        });
      });
    },
  };
}
