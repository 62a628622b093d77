/**
 * The servers of a cluster as they change. A roster counts kinds of servers one change at a time, and lists the servers
 * of the moment as an array that never changes, by which policy finds what was counted: a verdict then costs the same
 * for three servers and for ten thousand.
 */
import { printVersion, type Version } from '../version/version.ts';
import { ServerSet, type Traits } from './server-set.ts';
import type { ProtocolRange, ServerFacts } from './types.ts';

/** By the arrays that rosters gave out. */
const SETS = new WeakMap<readonly ServerFacts[], ServerSet>();

/** Servers with the same traits, counted. */
interface Tally {
  readonly key: string;
  count: number;
}

/** Every server of one cluster, in its order. */
export class Roster {
  readonly #facts: ServerFacts[];
  readonly #tallyOf: Tally[];
  readonly #tallies = new Map<string, Tally>();
  #servers: readonly ServerFacts[] | null = null;

  constructor(servers: readonly ServerFacts[]) {
    this.#facts = servers.map(copyOf);
    this.#tallyOf = this.#facts.map((facts) => this.#add(facts));
  }

  /** Takes what is known now of the server at `index`. */
  update(index: number, facts: ServerFacts): void {
    const before = this.#facts[index] as ServerFacts;
    if (isSame(before, facts)) return;
    this.#drop(this.#tallyOf[index] as Tally);
    this.#facts[index] = copyOf(facts);
    this.#tallyOf[index] = this.#add(facts);
    this.#servers = null;
  }

  /** The servers as they are now: frozen, and the same array until one of them changes. */
  get servers(): readonly ServerFacts[] {
    this.#servers ??= this.#list();
    return this.#servers;
  }

  #list(): readonly ServerFacts[] {
    const servers = Object.freeze([...this.#facts]);
    const firsts = this.#firsts();
    const examples = Array.from(firsts.values(), (index) => servers[index] as ServerFacts);
    const counts = Array.from(firsts.keys(), ({ count }) => count);
    SETS.set(servers, new ServerSet(examples, counts, () => servers));
    return servers;
  }

  /** Where the first server of each kind stands, in order; the walk ends once each kind has been met. */
  #firsts(): Map<Tally, number> {
    const firsts = new Map<Tally, number>();
    for (let index = 0; firsts.size < this.#tallies.size; index++) {
      const tally = this.#tallyOf[index] as Tally;
      if (!firsts.has(tally)) firsts.set(tally, index);
    }
    return firsts;
  }

  #add(facts: ServerFacts): Tally {
    const key = kindOf(facts);
    const tally = this.#tallies.get(key) ?? { key, count: 0 };
    this.#tallies.set(key, tally);
    tally.count++;
    return tally;
  }

  #drop(tally: Tally): void {
    tally.count--;
    if (tally.count === 0) this.#tallies.delete(tally.key);
  }
}

/**
 * A copy of `servers` that never changes. Policy judges any list of servers; what it works out for one of these it
 * remembers for as long as somebody holds it.
 */
export function freezeServers(servers: readonly ServerFacts[]): readonly ServerFacts[] {
  return new Roster(servers).servers;
}

/** Whether it was given out by a roster, so that it stays as it is. */
export function isFrozen(servers: readonly ServerFacts[]): boolean {
  return SETS.has(servers);
}

/** The servers of a list as a set. */
export function serverSetOf(servers: readonly ServerFacts[]): ServerSet {
  return SETS.get(servers) ?? ServerSet.of(servers);
}

function copyOf({ id, version, state, level, lastError, protocol }: ServerFacts): ServerFacts {
  return Object.freeze({
    id,
    version,
    state,
    level: level ?? null,
    lastError: lastError ?? null,
    ...(protocol && { protocol }),
  });
}

/** What is the same for servers of one kind, and differs between kinds: all that `Traits` has. */
export function kindOf({ version, state, level, protocol }: Traits<ServerFacts>): string {
  const range = protocol ? `${protocol.min}-${protocol.max}` : '';
  return `${version ? printVersion(version) : ''} ${state} ${level ?? ''} ${range}`;
}

function isSame(a: ServerFacts, b: ServerFacts): boolean {
  return (
    a.id === b.id &&
    a.state === b.state &&
    (a.level ?? null) === (b.level ?? null) &&
    (a.lastError ?? null) === (b.lastError ?? null) &&
    isSameVersion(a.version, b.version) &&
    isSameRange(a.protocol, b.protocol)
  );
}

function isSameVersion(a: Version | null, b: Version | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return a.major === b.major && a.minor === b.minor && a.patch === b.patch && a.qualifier === b.qualifier;
}

function isSameRange(a: ProtocolRange | undefined, b: ProtocolRange | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.min === b.min && a.max === b.max);
}
