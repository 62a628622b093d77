/**
 * Servers that are never asked, because a connection without a word disturbs them. Each is what the config states, and up
 * until a client can't be connected to it. Then it counts as down for a while, longer each time; but before a client is
 * refused for that, it is tried again.
 */
import type { BackEnd, ServerIdentity } from '../backend/back-end.ts';
import type { Clock } from '../ports/clock.ts';
import { Retreat } from './retreat.ts';
import type { ServerState } from './server-state.ts';

/** The quiet ones among the servers of a cluster. */
export class QuietServers {
  readonly #clock: Clock;
  readonly #record: (server: ServerState, stated: ServerIdentity) => void;
  readonly #retreats = new Map<ServerState, Retreat>();

  /** @param record called with a server that counts as up from now on */
  constructor(clock: Clock, record: (server: ServerState, stated: ServerIdentity) => void) {
    this.#clock = clock;
    this.#record = record;
  }

  has({ entry }: ServerState): boolean {
    return entry.backEnd.stated !== undefined;
  }

  /** What stands for a question to it. @param isRound whether nobody waits for the answer */
  assume(server: ServerState, isRound: boolean): void {
    const retreat = this.#retreats.get(server);
    if (isRound && retreat?.isOn) {
      // Nothing better will be known of it before.
      server.knownAt = this.#clock.monotonic();
      return;
    }
    retreat?.end();
    this.#record(server, (server.entry.backEnd as Required<BackEnd>).stated);
  }

  /**
   * A dial came to its end.
   * @param askedAt when it began, monotonic
   * @returns whether that says how the server is now: a dial that began later may have succeeded
   */
  dialled(server: ServerState, askedAt: number, isReached: boolean): boolean {
    const retreat = this.#retreatFrom(server);
    return isReached ? retreat.reached(askedAt) : retreat.failed(askedAt);
  }

  /** It is one of the servers no more. */
  forget(server: ServerState): void {
    this.#retreats.get(server)?.end();
    this.#retreats.delete(server);
  }

  stop(): void {
    for (const server of this.#retreats.keys()) this.forget(server);
  }

  #retreatFrom(server: ServerState): Retreat {
    const known = this.#retreats.get(server);
    if (known !== undefined) return known;
    const retreat = new Retreat(this.#clock, () => this.assume(server, true));
    this.#retreats.set(server, retreat);
    return retreat;
  }
}
