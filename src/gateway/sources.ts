/**
 * Who comes from where: connections, handshakes and new connections of each source network, held to the limits for one
 * source. What does not fit is turned away before a byte of it is read. Time is asked for, never waited for, and memory
 * is bounded: what is known of a source that has no connection is kept while it could be wanted, which is until its
 * allowance of new connections is whole again, and no longer.
 */
import type { SourceLimits } from '../config/limits.ts';
import type { EarlyMemory } from '../frontend/early-data.ts';
import type { Clock } from '../ports/clock.ts';
import { hostOf } from '../transport/address.ts';
import { networkName, parseIp } from '../wire/ip-address.ts';

/** A limit that one source can run into, by its key in the config. */
export type SourceLimit = 'connectionsPerSource' | 'handshakesPerSource' | 'connectRate';

/** Sources without a connection that are known by themselves; any others then count as one. */
const MOST_IDLE = 65_536;

/** One network that clients come from. */
interface SourceNetwork {
  /** As people write it: an address, or `2001:db8:1:2::/64`. */
  readonly name: string;
  /** Now. */
  connections: number;
  handshakes: number;
  /** Bytes kept for those who are not admitted yet. */
  held: number;
  /** New connections that it may have at once, as of `at`. */
  allowance: number;
  /** Monotonic. */
  at: number;
}

export interface SourcesOptions {
  readonly clock: Clock;
  /** As they are now. */
  readonly settings: { readonly sourceLimits: SourceLimits };
}

/** The sources of one gate. */
export class Sources {
  readonly #options: SourcesOptions;
  /** Those that came in this period, and those that did not come since the one before; a period fills any allowance. */
  #recent = new Map<string, SourceNetwork>();
  #earlier = new Map<string, SourceNetwork>();
  #periodEnds = Number.NEGATIVE_INFINITY;
  /** Of those that are known, how many have no connection. */
  #idle = 0;
  #others: SourceNetwork | null = null;
  /** Bytes kept for those who are not admitted yet, over all sources. */
  #held = 0;

  constructor(options: SourcesOptions) {
    this.#options = options;
  }

  /** How many are known: for tests of what they take up. */
  get known(): number {
    return this.#recent.size + this.#earlier.size;
  }

  /** Bytes kept for those who are not admitted yet. */
  get held(): number {
    return this.#held;
  }

  /**
   * Somebody has come.
   * @param peer an address with its port; what is no IP address is no source, and neither is what is exempt
   */
  enter(peer: string): SourceSlot {
    const source = this.#sourceOf(hostOf(peer));
    if (source === null) return new SourceSlot(this, null, null);
    const reached = this.#reached(source);
    if (reached !== null) return new SourceSlot(this, source, reached);
    source.allowance--;
    if (source.connections++ === 0 && source !== this.#others) this.#idle--;
    source.handshakes++;
    return new SourceSlot(this, source, null);
  }

  /** One of its connections is over. @internal */
  left(source: SourceNetwork): void {
    if (--source.connections === 0 && source !== this.#others) this.#idle++;
  }

  /** Takes memory for somebody of `source`; false: there is not as much. @internal */
  take(source: SourceNetwork | null, bytes: number): boolean {
    const { heldMemory } = this.#options.settings.sourceLimits;
    if (this.#held + bytes > heldMemory) return false;
    if (source !== null) {
      if (source.held + bytes > heldMemory / 2) return false;
      source.held += bytes;
    }
    this.#held += bytes;
    return true;
  }

  /** @internal */
  giveBack(source: SourceNetwork | null, bytes: number): void {
    this.#held -= bytes;
    if (source !== null) source.held -= bytes;
  }

  #reached(source: SourceNetwork): SourceLimit | null {
    const { connections, handshakes } = this.#options.settings.sourceLimits;
    this.#refill(source);
    if (source.allowance < 1) return 'connectRate';
    if (source.connections >= connections) return 'connectionsPerSource';
    return source.handshakes >= handshakes ? 'handshakesPerSource' : null;
  }

  #refill(source: SourceNetwork): void {
    const { perSecond, burst } = this.#options.settings.sourceLimits;
    const now = this.#options.clock.monotonic();
    source.allowance = Math.min(burst, source.allowance + ((now - source.at) * perSecond) / 1_000);
    source.at = now;
  }

  #sourceOf(host: string): SourceNetwork | null {
    const { prefix, exempt } = this.#options.settings.sourceLimits;
    const ip = parseIp(host);
    if (ip === null || exempt.has(host)) return null;
    this.#turnOver();
    const name = networkName(ip, prefix);
    const known = this.#recent.get(name) ?? this.#earlier.get(name);
    if (known !== undefined) {
      this.#earlier.delete(name);
      this.#recent.set(name, known);
      return known;
    }
    if (this.#idle >= MOST_IDLE) {
      this.#others ??= this.#newSource('others');
      return this.#others;
    }
    const source = this.#newSource(name);
    this.#recent.set(name, source);
    this.#idle++;
    return source;
  }

  #newSource(name: string): SourceNetwork {
    const { burst } = this.#options.settings.sourceLimits;
    const at = this.#options.clock.monotonic();
    return { name, connections: 0, handshakes: 0, held: 0, allowance: burst, at };
  }

  /** Forgets those that did not come for a whole period: a source that comes back then is as good as new. */
  #turnOver(): void {
    const now = this.#options.clock.monotonic();
    if (now < this.#periodEnds) return;
    const { perSecond, burst } = this.#options.settings.sourceLimits;
    this.#periodEnds = now + (1_000 * burst) / perSecond;
    const kept = Array.from(this.#earlier).filter(([, { connections }]) => connections > 0);
    this.#idle -= this.#earlier.size - kept.length;
    this.#earlier = this.#recent;
    this.#recent = new Map(kept);
  }
}

/** One connection, from its first packet to its end. One that is turned away counts for nothing meanwhile. */
export class SourceSlot implements EarlyMemory {
  /** Of its source; empty: it has none. */
  readonly name: string;
  /** The limit that it ran into, and is turned away for; null: none. */
  readonly reached: SourceLimit | null;
  readonly #sources: Sources;
  readonly #source: SourceNetwork | null;
  #isHandshake: boolean;
  #isHere: boolean;
  #held = 0;

  constructor(sources: Sources, source: SourceNetwork | null, reached: SourceLimit | null) {
    this.#sources = sources;
    this.#source = source;
    this.name = source?.name ?? '';
    this.reached = reached;
    this.#isHandshake = this.#isHere = source !== null && reached === null;
  }

  /** Memory for what it sends before it is admitted; false: there is not as much. */
  take(bytes: number): boolean {
    if (!this.#sources.take(this.#source, bytes)) return false;
    this.#held += bytes;
    return true;
  }

  /** It is no longer on its way in, and what it sent has been handed on. */
  arrived(): void {
    this.#sources.giveBack(this.#source, this.#held);
    this.#held = 0;
    if (this.#isHandshake && this.#source !== null) this.#source.handshakes--;
    this.#isHandshake = false;
  }

  /** It is over. */
  leave(): void {
    this.arrived();
    if (this.#isHere && this.#source !== null) this.#sources.left(this.#source);
    this.#isHere = false;
  }
}
