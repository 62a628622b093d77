/**
 * The connections of a gate, counted: each that a listener accepted is active until it has ended, for one cause, so that
 * at every moment accepted = active + ended. Plain numbers, because everybody pays for them; who wants them reads them.
 */
import type { SessionEndReason } from '../events/events.ts';

/**
 * How a connection ends without having been a session. `refused`: it was turned away, whatever the code, also before it
 * was a WebSocket; `client-left`: its client left before a verdict; `probe`: it asked for nothing, as health checks do;
 * `fault`: the program failed over it.
 */
export type EndBeforeSession = 'refused' | 'client-left' | 'probe' | 'fault';

/** Why a connection is over; with a session, why that ended. */
export type ConnectionEnd = EndBeforeSession | SessionEndReason;

/** All connections so far, as a copy. */
export interface ConnectionTotals {
  /** By listener, the address as bound. */
  readonly accepted: ReadonlyMap<string, number>;
  /** Accepted, and not over. */
  readonly active: number;
  readonly ended: ReadonlyMap<ConnectionEnd, number>;
}

/** Counts the connections of one gate. */
export class ConnectionCounts {
  readonly #accepted = new Map<string, number>();
  readonly #ended = new Map<ConnectionEnd, number>();
  #active = 0;

  /** One more was accepted. */
  begin(listener: string): void {
    this.#active++;
    this.#accepted.set(listener, (this.#accepted.get(listener) ?? 0) + 1);
  }

  /** One of them is over; to be called once for each. */
  end(cause: ConnectionEnd): void {
    this.#active--;
    this.#ended.set(cause, (this.#ended.get(cause) ?? 0) + 1);
  }

  totals(): ConnectionTotals {
    return { accepted: new Map(this.#accepted), active: this.#active, ended: new Map(this.#ended) };
  }
}
