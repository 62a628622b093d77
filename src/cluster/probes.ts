/** When servers are asked: in rounds at intervals, and whenever what is known of one is too old for somebody. */
import type { Clock, Timer } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { ServerState } from './server-state.ts';

/** By how much the time between two rounds differs from the interval at most, as a share of it. */
const JITTER = 0.1;

export interface ProbesOptions {
  /** Those that there are now. */
  readonly servers: () => readonly ServerState[];
  readonly clock: Clock;
  /** ms between rounds, as it is now. */
  readonly interval: () => number;
  /** Spreads rounds in time, so that gates do not ask in step; absent: they come at the interval exactly. */
  readonly jitter?: Random | undefined;
  /** Asks one server. Never rejects. @param isRound whether nobody waits for the answer */
  readonly ask: (server: ServerState, isRound: boolean) => Promise<void>;
}

/** The questions to the servers of one cluster. Those under way are shared, if they were asked late enough. */
export class Probes {
  readonly #options: ProbesOptions;
  readonly #probing = new Set<ServerState>();
  /** No server's `seenAt` is before this, which only grows while they are the same. */
  #seenSince = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  /** Asks every server at intervals until `stop`. */
  begin(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(this.pause, () => {
      void this.round().finally(() => this.begin());
    });
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** ms from one round to the next, another each time. */
  get pause(): number {
    const { jitter } = this.#options;
    const interval = this.#options.interval();
    return jitter === undefined ? interval : interval * (1 + JITTER * (2 * jitter.next() - 1));
  }

  /** Asks every server. */
  async round(): Promise<void> {
    const now = this.#options.clock.monotonic();
    await Promise.all(this.#options.servers().map((server) => this.#probe(server, now, true)));
  }

  /** Asks every server of which nothing is known that is newer than `maxAge` ms, by whomever it was asked. */
  async keep(maxAge: number): Promise<void> {
    const oldest = this.#options.clock.monotonic() - maxAge;
    const old = this.#options.servers().filter(({ knownAt }) => knownAt < oldest);
    await Promise.all(old.map((server) => this.#probe(server, oldest, true)));
  }

  /** Asks every server whose last answer is older than `maxAge` ms; questions under way are shared if asked since. */
  async refresh(maxAge: number): Promise<void> {
    const oldest = this.#options.clock.monotonic() - maxAge;
    await Promise.all(Array.from(this.#due(oldest), (server) => this.#probe(server, oldest, false)));
  }

  /** Others are among the servers now. */
  lookAgain(): void {
    this.#seenSince = Number.NEGATIVE_INFINITY;
  }

  /** Those last seen at `oldest` or before, and those that are being asked. */
  #due(oldest: number): Iterable<ServerState> {
    if (this.#seenSince > oldest) return this.#probing;
    const servers = this.#options.servers();
    this.#seenSince = servers.reduce(
      (least, { seenAt }) => Math.min(least, seenAt),
      Number.POSITIVE_INFINITY,
    );
    return servers.filter((server) => server.probing !== null || server.seenAt <= oldest);
  }

  /** What was asked before `oldest` may be answered with what was true before it. */
  async #probe(server: ServerState, oldest: number, isRound: boolean): Promise<void> {
    while (server.probing !== null && server.askedAt < oldest) await server.probing;
    server.probing ??= this.#ask(server, isRound);
    this.#probing.add(server);
    await server.probing;
  }

  #ask(server: ServerState, isRound: boolean): Promise<void> {
    server.askedAt = this.#options.clock.monotonic();
    return this.#options.ask(server, isRound).finally(() => {
      server.probing = null;
      this.#probing.delete(server);
    });
  }
}
