/**
 * Connections to one server that were dialled and greeted ahead of need, so that a client that is admitted waits for
 * neither. What a server said in its hello may not be true any more when somebody comes: a link is handed out only
 * while it is young, open and silent, and while the server takes sessions and is known as what it said. Any other is
 * closed, and the client's server is dialled as without a pool.
 */
import type { ServerIdentity, ServerLink } from '../backend/back-end.ts';
import type { Clock, Timer } from '../ports/clock.ts';

/** ms that a link waits to be used; servers give up on a gate that asks and says no more after about ten seconds. */
const LONGEST_WAIT = 5_000;
/** ms until a server that could not be greeted is tried again; doubles with each failure. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

export interface WarmPoolOptions {
  /** Links to keep. */
  readonly size: number;
  readonly clock: Clock;
  /** Dials and greets the server; rejects where a session could not have it either. */
  readonly greet: () => Promise<ServerLink>;
  /** Whether the server takes sessions as far as is known. */
  readonly isUp: () => boolean;
  /** Whether the server is known as what it said of itself then. */
  readonly isCurrent: (said: ServerIdentity) => boolean;
}

interface WarmLink {
  readonly link: ServerLink;
  /** Monotonic. */
  readonly since: number;
}

/** The warm links of one server: filled while it is up, emptied when it is not. */
export class WarmPool {
  readonly #options: WarmPoolOptions;
  /** Oldest first. */
  #links: WarmLink[] = [];
  #greeting = 0;
  #failures = 0;
  #pause: Timer | null = null;
  #ageing: Timer | null = null;
  #closed = false;

  constructor(options: WarmPoolOptions) {
    this.#options = options;
  }

  /** A link that can be used; null if there is none. */
  take(): ServerLink | null {
    this.#closeUnusable();
    const taken = this.#links.shift();
    this.#fill();
    return taken?.link ?? null;
  }

  /** Something was learned of the server. */
  observe(): void {
    this.#closeUnusable();
    this.#fill();
  }

  /** For good. */
  close(): void {
    this.#closed = true;
    this.#pause?.cancel();
    this.#closeUnusable();
  }

  #isUsable({ link: { identity, sinceHello }, since }: WarmLink): boolean {
    const { clock, isUp, isCurrent } = this.#options;
    if (this.#closed || identity === null || sinceHello === undefined) return false;
    const isSilent = sinceHello.closed === null && !sinceHello.ended && !sinceHello.spoke;
    return isSilent && clock.monotonic() < since + LONGEST_WAIT && isUp() && isCurrent(identity);
  }

  #closeUnusable(): void {
    const links = this.#links;
    this.#links = links.filter((warm) => this.#isUsable(warm));
    if (this.#links.length === links.length) return;
    for (const warm of links) if (!this.#links.includes(warm)) warm.link.close();
    if (this.#links.length > 0) return;
    this.#ageing?.cancel();
    this.#ageing = null;
  }

  #fill(): void {
    if (this.#closed || this.#pause !== null || !this.#options.isUp()) return;
    while (this.#links.length + this.#greeting < this.#options.size) this.#greet();
  }

  #greet(): void {
    const { clock, greet } = this.#options;
    this.#greeting++;
    greet().then(
      (link) => {
        this.#greeting--;
        this.#failures = 0;
        this.#keep({ link, since: clock.monotonic() });
      },
      () => {
        this.#greeting--;
        this.#retreat();
      },
    );
  }

  #keep(warm: WarmLink): void {
    if (!this.#isUsable(warm)) return warm.link.close();
    this.#links.push(warm);
    this.#ageing ??= this.#options.clock.after(LONGEST_WAIT, () => this.#age());
  }

  #age(): void {
    this.#ageing = null;
    this.#closeUnusable();
    const [oldest] = this.#links;
    const { clock } = this.#options;
    if (oldest !== undefined)
      this.#ageing = clock.after(oldest.since + LONGEST_WAIT - clock.monotonic(), () => this.#age());
    this.#fill();
  }

  /** One pause for however many fail together. */
  #retreat(): void {
    if (this.#closed || this.#pause !== null) return;
    const wait = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures++);
    this.#pause = this.#options.clock.after(wait, () => {
      this.#pause = null;
      this.#fill();
    });
  }
}
