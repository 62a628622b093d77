/** What a client sends before it is admitted: kept up to a limit, in order, for the session. */
import type { Code } from '../policy/codes.ts';
import { Cancellation, type CancelSignal } from '../ports/cancellation.ts';
import type { Connection } from '../ports/transport.ts';

/** Bytes kept for a client that is not admitted yet; beyond, it is not read from. */
export const MAX_EARLY_DATA = 65_536;
/** What a chunk takes up beside its bytes, so that many small ones are no way around a limit. */
const CHUNK_BYTES = 256;
/** What a socket may read in spite of a pause. */
const READ_AHEAD = 65_536;

/** Memory that all clients share who are not admitted yet. */
export interface EarlyMemory {
  /** Takes so many bytes more; false: there is not as much. Who took them gives all back once the client is let in or gone. */
  take(bytes: number): boolean;
}

const UNLIMITED: EarlyMemory = { take: () => true };

/** Why a client is turned away that was heard already. */
export interface EarlyFault {
  readonly code: Code;
  /** A sentence. */
  readonly message: string;
  /** The limit that was reached, by its key in the config. */
  readonly limit?: string;
}

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
  /** Why it is turned away although it is there; null: it is not. Known once `gone` has aborted. */
  fault: EarlyFault | null = null;
  readonly #connection: Connection;
  readonly #memory: EarlyMemory;

  constructor(connection: Connection, memory: EarlyMemory = UNLIMITED) {
    this.#connection = connection;
    this.#memory = memory;
  }

  /** Aborts when the client leaves. */
  get gone(): CancelSignal {
    return this.#gone;
  }

  /** Takes the next bytes; pauses the connection once the limit is reached, and drops them where memory is short. */
  keep(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.fault !== null) return;
    const size = bytes.length + CHUNK_BYTES;
    const isFull = this.#held + size >= MAX_EARLY_DATA;
    if (!this.#memory.take(isFull ? size + READ_AHEAD : size)) return this.#overrun();
    this.chunks.push(bytes);
    this.#held += size;
    if (isFull) this.#connection.pause();
  }

  /** The client ended its side. */
  end(): void {
    this.ended = true;
  }

  /** The connection is gone. */
  leave(): void {
    this.#gone.abort();
  }

  #overrun(): void {
    this.fault = {
      code: 'TOO_MANY_CONNECTIONS',
      message: 'The clients that wait have sent more than the gate has memory for.',
      limit: 'heldMemory',
    };
    this.#connection.pause();
    this.#gone.abort();
  }
}
