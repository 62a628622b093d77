/**
 * Which server gets the next session: of those that take sessions and fit, one with the fewest; of several, the next one
 * in turn. Servers are kept by kind and by their number of sessions, so that a choice looks at kinds, not at servers.
 */
import { kindOf } from '../policy/roster.ts';
import { IndexSet } from './index-set.ts';
import type { ServerStatus } from './server-state.ts';

/** Servers of one kind, by how many sessions each has. */
type Kind = Map<number, IndexSet>;

/** The servers of one cluster that take sessions, by their place in its order. */
export class Balance {
  readonly #servers: readonly ServerStatus[];
  readonly #kinds = new Map<string, Kind>();
  /** Where each server stands; null: it takes no sessions. */
  readonly #places: ({ readonly key: string; readonly sessions: number } | null)[];
  #turn = 0;

  /** @param servers as they are known now; each change of one is told by `update` */
  constructor(servers: readonly ServerStatus[]) {
    this.#servers = servers;
    this.#places = servers.map(() => null);
    for (const index of servers.keys()) this.update(index);
  }

  /** More is known of the server at `index`. */
  update(index: number): void {
    const server = this.#servers[index] as ServerStatus;
    this.#move(index, server.state === 'up' ? kindOf(server) : null);
  }

  /** A session of the server at `index` began or ended. */
  recount(index: number): void {
    this.#move(index, this.#places[index]?.key ?? null);
  }

  #move(index: number, key: string | null): void {
    this.#remove(index);
    const { sessions } = this.#servers[index] as ServerStatus;
    this.#places[index] = key === null ? null : { key, sessions };
    if (key === null) return;
    const kind = this.#kinds.get(key) ?? new Map<number, IndexSet>();
    this.#kinds.set(key, kind);
    const equals = kind.get(sessions) ?? new IndexSet(this.#servers.length);
    kind.set(sessions, equals);
    equals.add(index);
  }

  #remove(index: number): void {
    const place = this.#places[index];
    if (place == null) return;
    const kind = this.#kinds.get(place.key) as Kind;
    const equals = kind.get(place.sessions) as IndexSet;
    equals.delete(index);
    if (equals.size === 0) kind.delete(place.sessions);
    if (kind.size === 0) this.#kinds.delete(place.key);
  }

  /**
   * The server whose turn it is; null if there is none.
   * @param fits asked of one server of each kind
   * @param isOut whether a server is left out that fits
   */
  pick(
    fits: (server: ServerStatus) => boolean,
    isOut: (server: ServerStatus) => boolean,
  ): ServerStatus | null {
    const count = this.#servers.length;
    const from = this.#turn++ % count;
    let best: { readonly server: ServerStatus; readonly wait: number } | null = null;
    for (const kind of this.#kinds.values()) {
      const index = this.#first(kind, from, fits, isOut);
      if (index === null) continue;
      const server = this.#servers[index] as ServerStatus;
      const wait = (index - from + count) % count;
      const order = best === null ? -1 : server.sessions - best.server.sessions || wait - best.wait;
      if (order < 0) best = { server, wait };
    }
    return best?.server ?? null;
  }

  /** Of one kind: the first from `from` on with the fewest sessions. */
  #first(
    kind: Kind,
    from: number,
    fits: (server: ServerStatus) => boolean,
    isOut: (server: ServerStatus) => boolean,
  ): number | null {
    let isAsked = false;
    for (const sessions of [...kind.keys()].sort((a, b) => a - b))
      for (const index of (kind.get(sessions) as IndexSet).from(from)) {
        const server = this.#servers[index] as ServerStatus;
        if (!isAsked && !fits(server)) return null;
        isAsked = true;
        if (!isOut(server)) return index;
      }
    return null;
  }
}
