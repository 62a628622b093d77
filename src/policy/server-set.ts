/**
 * The servers of one cluster as rules look at them: those that no rule tells apart are one kind, and a rule looks at
 * each kind once, however many servers are of it. A set never changes. Who follows a cluster keeps a `Roster`, which
 * counts kinds as servers change and gives the set of the moment.
 */
import { compareVersions, extremes, type Version } from '../version/version.ts';
import type { ServerFacts } from './types.ts';

/** What rules tell servers apart by. A server's id, and why it is down, are for texts alone. */
export type Traits<S extends ServerFacts> = Pick<S, 'version' | 'state' | 'level' | 'protocol'>;

/** A server whose version is known. */
export type KnownServer = ServerFacts & { readonly version: Version };

/** Servers with the same traits: the first of them in the cluster's order, and how many there are. */
export interface Kind<S extends ServerFacts> {
  readonly first: S;
  readonly count: number;
}

/** Whether the version of a server is known. */
export function isKnown(server: ServerFacts): server is KnownServer {
  return server.version !== null;
}

/** Some servers of a cluster, in its order. */
export class ServerSet<S extends ServerFacts = ServerFacts> {
  readonly #kinds: readonly Kind<S>[];
  readonly #list: () => readonly S[];
  #servers: readonly S[] | null = null;
  #ids: readonly string[] | null = null;

  /** @param kinds by the first server of each. @param list the servers themselves, asked for when they are named */
  constructor(kinds: readonly Kind<S>[], list: () => readonly S[]) {
    this.#kinds = kinds;
    this.#list = list;
  }

  /** A set in which every server is a kind of its own. */
  static of<S extends ServerFacts>(servers: readonly S[]): ServerSet<S> {
    return new ServerSet(
      servers.map((first) => ({ first, count: 1 })),
      () => servers,
    );
  }

  get isEmpty(): boolean {
    return this.#kinds.length === 0;
  }

  get size(): number {
    return this.#kinds.reduce((sum, { count }) => sum + count, 0);
  }

  /** Each of them; the first call walks the cluster. */
  get servers(): readonly S[] {
    this.#servers ??= this.#list();
    return this.#servers;
  }

  get ids(): readonly string[] {
    this.#ids ??= this.servers.map(({ id }) => id);
    return this.#ids;
  }

  /** The first server of each kind: what holds for it holds for all of its kind. */
  get examples(): readonly S[] {
    return this.#kinds.map(({ first }) => first);
  }

  some(test: (server: Traits<S>) => boolean): boolean {
    return this.#kinds.some(({ first }) => test(first));
  }

  /** Those that pass: this very set where all do. */
  filter(test: (server: Traits<S>) => boolean): ServerSet<S> {
    const kinds = this.#kinds.filter(({ first }) => test(first));
    return kinds.length === this.#kinds.length
      ? this
      : new ServerSet(kinds, () => (kinds.length === 0 ? [] : this.servers.filter(test)));
  }

  /** Those whose version is known. */
  known(): ServerSet<KnownServer> {
    return this.filter(({ version }) => version !== null) as ServerSet<ServerFacts> as ServerSet<KnownServer>;
  }

  /** The least and the greatest version; null where none is known. Of equal ones the first is the oldest, the last the newest. */
  extremes(): { readonly oldest: Version; readonly newest: Version } | null {
    const [first, ...others] = this.known().examples.map(({ version }) => version);
    if (first === undefined) return null;
    const { oldest, newest } = extremes([first, ...others]);
    const rivals = [first, ...others].filter((version) => compareVersions(version, newest) === 0);
    // Which of them is last is not a question about kinds.
    const last = rivals.every(({ qualifier }) => qualifier === newest.qualifier)
      ? newest
      : this.servers.findLast(({ version }) => version !== null && compareVersions(version, newest) === 0)
          ?.version;
    return { oldest, newest: last ?? newest };
  }
}
