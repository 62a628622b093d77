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

interface Extremes {
  readonly oldest: Version;
  readonly newest: Version;
}

/** Subsets that a set remembers: rules divide servers by a few lines and states. */
const MAX_SUBSETS = 32;

/** Some servers of a cluster, in its order. */
export class ServerSet<S extends ServerFacts = ServerFacts> {
  /** The first server of each kind, in the order of the cluster: what holds for it holds for all of its kind. */
  readonly examples: readonly S[];
  /** How many servers are of each kind; null: one of each. */
  readonly #counts: readonly number[] | null;
  readonly #list: () => readonly S[];
  /** Those asked for before, so that their servers are listed once and not for each client. */
  readonly #subsets: ServerSet<S>[] = [];
  #servers: readonly S[] | null = null;
  #ids: readonly string[] | null = null;
  #extremes: Extremes | null | undefined;

  /** @param list the servers themselves, asked for when they are named */
  constructor(examples: readonly S[], counts: readonly number[] | null, list: () => readonly S[]) {
    this.examples = examples;
    this.#counts = counts;
    this.#list = list;
  }

  /** A set in which every server is a kind of its own. */
  static of<S extends ServerFacts>(servers: readonly S[]): ServerSet<S> {
    return new ServerSet(servers, null, () => servers);
  }

  get isEmpty(): boolean {
    return this.examples.length === 0;
  }

  get size(): number {
    return this.#counts === null ? this.examples.length : this.#counts.reduce((sum, count) => sum + count, 0);
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

  some(test: (server: Traits<S>) => boolean): boolean {
    return this.examples.some(test);
  }

  /** Those that pass: this very set where all do. */
  filter(test: (server: Traits<S>) => boolean): ServerSet<S> {
    const passing = this.examples.filter(test);
    if (passing.length === this.examples.length) return this;
    if (passing.length === 0) return new ServerSet(passing, null, () => passing);
    const list = () => this.servers.filter(test);
    if (this.#counts === null) return new ServerSet(passing, null, list);
    const known = this.#subsets.find(({ examples }) => isSameList(examples, passing));
    if (known !== undefined) return known;
    const counts = this.#counts.filter((_, at) => test(this.examples[at] as S));
    const subset = new ServerSet(passing, counts, list);
    if (this.#subsets.length < MAX_SUBSETS) this.#subsets.push(subset);
    return subset;
  }

  /** Those whose version is known. */
  known(): ServerSet<KnownServer> {
    return this.filter(({ version }) => version !== null) as ServerSet<ServerFacts> as ServerSet<KnownServer>;
  }

  /** The least and the greatest version; null where none is known. Of equal ones the first is the oldest, the last the newest. */
  get extremes(): Extremes | null {
    if (this.#extremes === undefined) this.#extremes = this.#findExtremes();
    return this.#extremes;
  }

  #findExtremes(): Extremes | null {
    const versions = this.known().examples.map(({ version }) => version);
    if (!isNonEmpty(versions)) return null;
    const { oldest, newest } = extremes(versions);
    const isNewest = (version: Version) => compareVersions(version, newest) === 0;
    if (!versions.some((version) => isNewest(version) && version.qualifier !== newest.qualifier))
      return { oldest, newest };
    // Which of them is last is not a question about kinds.
    const last = this.servers.findLast(({ version }) => version !== null && isNewest(version));
    return { oldest, newest: last?.version ?? newest };
  }
}

function isSameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at]);
}

function isNonEmpty<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}
