/** What a client sends before it is admitted: kept up to a limit, in order, for the session. */
import { Cancellation, type CancelSignal } from '../ports/cancellation.ts';
import type { Connection } from '../ports/transport.ts';

/** Bytes kept for a client that is not admitted yet; beyond, it is not read from. */
export const MAX_EARLY_DATA = 65_536;

export interface EarlyData {
  /** Oldest first. */
  readonly chunks: readonly Uint8Array[];
  /** The client sends nothing more. */
  readonly ended: boolean;
}

/** Keeps what comes after the hello, and remembers that the client ended its side, or left. */
export class EarlyDataBuffer implements EarlyData {
  readonly #gone = new Cancellation();
  readonly chunks: Uint8Array[] = [];
  ended = false;
  #held = 0;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Aborts when the client leaves. */
  get gone(): CancelSignal {
    return this.#gone;
  }

  /** Takes the next bytes; pauses the connection once the limit is reached. */
  keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.chunks.push(bytes);
    this.#held += bytes.length;
    if (this.#held >= MAX_EARLY_DATA) this.#connection.pause();
  }

  /** The client ended its side. */
  end(): void {
    this.ended = true;
  }

  /** The connection is gone. */
  leave(): void {
    this.#gone.abort();
  }
}
