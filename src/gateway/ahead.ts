/**
 * A server for a client that is not judged yet, in protocols whose clients need one to go on: what they are told before
 * the verdict comes from a real server. Whether the client stays with it is decided with the verdict.
 */
import type { Cluster, Reached } from '../cluster/cluster.ts';
import type { ServerStatus } from '../cluster/server-state.ts';
import type { Ahead } from '../frontend/pending-client.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { AnyOf } from '../ports/changes.ts';
import type { Clock } from '../ports/clock.ts';
import type { Connection } from '../ports/transport.ts';

export interface AheadContext {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly news: AnyOf;
  readonly settings: { readonly times: { readonly hold: number } };
}

/** One client's server before its verdict; most clients need none. */
export class ServerAhead implements Ahead {
  readonly #context: AheadContext;
  readonly #over: CancelSignal;
  #reached: Reached | null = null;

  /** @param over aborts when nobody needs a server any more */
  constructor(context: AheadContext, over: CancelSignal) {
    this.#context = context;
    this.#over = over;
  }

  async server(): Promise<Connection> {
    const { cluster, clock, news, settings } = this.#context;
    const until = clock.monotonic() + settings.times.hold;
    for (let failed = new Map<string, string>(); ; ) {
      const seen = news.count;
      const next = cluster.pick(
        ({ state }) => state === 'up',
        ({ id }) => failed.has(id),
      );
      if (next !== null && !this.#over.aborted) {
        const why = await this.#try(next.id);
        if (this.#reached !== null) return this.#reached.link.connection;
        failed.set(next.id, why);
        continue;
      }
      const left = until - clock.monotonic();
      const why = [...failed.values()].join('; ') || 'none is up';
      if (left <= 0 || this.#over.aborted) throw new Error(`No server could be reached: ${why}.`);
      await news.next(seen, left, this.#over);
      failed = new Map();
    }
  }

  /**
   * The server, from here on the caller's; null, and it is let go, if there is none that fits.
   * @param alive the connection that the client can go on with; null: it is lost
   */
  take(alive: Connection | null, fits: () => (server: ServerStatus) => boolean): Reached | null {
    const reached = this.#reached;
    if (reached === null) return null;
    if (reached.link.connection === alive && fits()(reached.server)) {
      this.#reached = null;
      return reached;
    }
    this.drop();
    return null;
  }

  /** Lets go of it. */
  drop(): void {
    this.#reached?.link.close();
    this.#reached = null;
  }

  /** @returns why not; empty if it was reached */
  async #try(id: string): Promise<string> {
    try {
      const reached = await this.#context.cluster.reach(id, 'session', this.#over);
      if (this.#over.aborted) reached.link.close();
      else this.#reached = reached;
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  }
}
