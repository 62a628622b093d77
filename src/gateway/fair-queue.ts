/**
 * Who waits, by where they come from: release lines take turns, within a line the addresses do, and those of one address
 * come in their order. However many come from one place, the next of another waits for no more than one of them.
 */

/** Where somebody comes from. */
export interface Source {
  /** The release line. */
  readonly line: string;
  /** The host, without its port. */
  readonly host: string;
}

/** A queue of members that are each in it once. */
export class FairQueue<Member extends Source> {
  /** By line, then by host; the first key is the one whose turn it is. */
  readonly #lines = new Map<string, Map<string, Set<Member>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(member: Member): void {
    const { line, host } = member;
    const hosts = this.#lines.get(line) ?? new Map<string, Set<Member>>();
    const members = hosts.get(host) ?? new Set();
    this.#lines.set(line, hosts);
    hosts.set(host, members.add(member));
    this.#size++;
  }

  /** Takes out the one whose turn it is; undefined: nobody waits. */
  take(): Member | undefined {
    for (const [line, hosts] of this.#lines)
      for (const [host, members] of hosts)
        for (const member of members) {
          this.remove(member);
          turnOver(hosts, host);
          turnOver(this.#lines, line);
          return member;
        }
    return undefined;
  }

  /** Takes one out that waits no more; nothing if it is not in the queue. */
  remove(member: Member): void {
    const hosts = this.#lines.get(member.line);
    const members = hosts?.get(member.host);
    if (hosts === undefined || !members?.delete(member)) return;
    this.#size--;
    if (members.size === 0) hosts.delete(member.host);
    if (hosts.size === 0) this.#lines.delete(member.line);
  }
}

/** Puts a key behind the others, if it is still there. */
function turnOver<Value>(map: Map<string, Value>, key: string): void {
  const value = map.get(key);
  if (value === undefined || map.size === 1) return;
  map.delete(key);
  map.set(key, value);
}
