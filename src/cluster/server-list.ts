/**
 * The servers of one cluster in the order of the config, with what is counted over them: kinds for policy, sessions for
 * the choice of a server. A reload replaces the list; a server that it leaves out is still counted while it has sessions.
 */
import { Roster } from '../policy/roster.ts';
import type { ServerFacts } from '../policy/types.ts';
import { Balance } from './balance.ts';
import { type ServerEntry, type ServerState, type ServerStatus, unknownServer } from './server-state.ts';

/** Servers by their names. */
export class ServerList {
  #states: readonly ServerState[] = [];
  #indexOf: ReadonlyMap<string, number> = new Map();
  #roster = new Roster([]);
  #balance = new Balance([]);
  /** Those that a reload left out: their sessions go on. */
  readonly #departed = new Map<string, ServerState>();

  constructor(entries: readonly ServerEntry[]) {
    this.adopt(entries);
  }

  get all(): readonly ServerState[] {
    return this.#states;
  }

  /** What policy judges by: frozen, and the same list until something that is known of a server changes. */
  get facts(): readonly ServerFacts[] {
    return this.#roster.servers;
  }

  /** @throws {Error} if there is none */
  find(id: string): ServerState {
    const server = this.lookUp(id);
    if (server === null) throw new Error(`no server ${id}`);
    return server;
  }

  /** The server of that name; null if there is none. */
  lookUp(id: string): ServerState | null {
    return this.#states[this.#indexOf.get(id) ?? -1] ?? null;
  }

  /** Whether a reload has neither left the server out nor put another one in its place. */
  holds(server: ServerState): boolean {
    return this.lookUp(server.id) === server;
  }

  /** See `Balance.pick`. */
  pick(
    fits: (server: ServerStatus) => boolean,
    isOut: (server: ServerStatus) => boolean,
  ): ServerStatus | null {
    return this.#balance.pick(fits, isOut);
  }

  /** More is known of a server of the list. */
  update(server: ServerState): void {
    const index = this.#indexOf.get(server.id) as number;
    this.#roster.update(index, server);
    this.#balance.update(index);
  }

  /** A session of the server began or ended; it may have been left out meanwhile. */
  countSession(id: string, more: 1 | -1): void {
    const server = this.lookUp(id) ?? this.#departed.get(id);
    if (server === undefined) throw new Error(`no server ${id}`);
    server.sessions += more;
    const index = this.#indexOf.get(id);
    if (index !== undefined) this.#balance.recount(index);
  }

  /**
   * Replaces the servers. One whose entry is the same object stays as it is. One with another entry of the same name
   * keeps its sessions and its last known version, and has yet to be asked.
   * @returns the servers that are no longer in the list
   */
  adopt(entries: readonly ServerEntry[]): ServerState[] {
    const before = this.#states;
    this.#states = entries.map((entry) => this.#stateOf(entry));
    this.#indexOf = new Map(this.#states.map(({ id }, index) => [id, index]));
    this.#roster = new Roster(this.#states);
    this.#balance = new Balance(this.#states);
    for (const [id, { sessions }] of this.#departed)
      if (sessions === 0 || this.#indexOf.has(id)) this.#departed.delete(id);
    const left = before.filter((server) => !this.holds(server));
    for (const server of left) if (!this.#indexOf.has(server.id)) this.#departed.set(server.id, server);
    return left;
  }

  #stateOf(entry: ServerEntry): ServerState {
    const known = this.lookUp(entry.id) ?? this.#departed.get(entry.id);
    if (known === undefined) return unknownServer(entry);
    if (known.entry === entry) return known;
    const { version, sessions } = known;
    return { ...unknownServer(entry), version, sessions };
  }
}
