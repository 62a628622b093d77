/**
 * When many come at once, since what held them is over (an upgrade, a pause, the lack of a server), lets them in at a rate
 * that doubles every second, not all at once, and in fair turns: by `t` seconds `start * (2^t - 1)` were let in, so
 * `start` in the first second. All of n are in after `log2(1 + n/start)` seconds, or a little more where that is faster
 * than `FASTEST` a second. Nobody else waits: who comes while nothing was over, or needed nothing that was, goes on.
 */
import type { Migration } from '../migration/migration.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { hostOf } from '../transport/address.ts';
import type { Version } from '../version/version.ts';
import { FairQueue, type Source } from './fair-queue.ts';

/** After that time more were let in than any gate may hold, ms. */
const LASTS = 60_000;
/** Let in at most in each turn of the event loop, which sessions under way have to share with them. */
const AT_ONCE = 4;
/** The least time between two such turns, ms: the real clock knows no less. */
const TURN = 2;
/** A second, at most: what follows from the two above. */
export const FASTEST = (1_000 * AT_ONCE) / TURN;
/** The least time after which somebody for whom there is no room is asked to come again, ms. */
const SOONEST = 1_000;
/** A moment that the clock can't tell from now. */
const EPSILON = 0.0005;

/** A client that is permitted. */
export interface Comer {
  readonly version: Version;
  /** Its address. */
  readonly peer: string;
}

export interface RampOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Clients in the first second. */
  readonly start: number;
  /** The level of the system tables that a release needs. */
  readonly levelOf: (version: Version) => number;
}

/** Somebody who waits for its turn. */
interface Waiting extends Source {
  readonly go: () => void;
}

/** Lets clients in at a rate that doubles every second, for a while after they could not come in. */
export class Ramp {
  readonly #options: RampOptions;
  readonly #queue = new FairQueue<Waiting>();
  #since = Number.NEGATIVE_INFINITY;
  #given = 0;
  /** Who needs more than this level has to wait for a turn, though nothing held it before. */
  #above = Number.POSITIVE_INFINITY;
  #lastAdmitted = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  /** The last turn of the event loop in which some were let in, and how many. */
  #turn = { at: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(options: RampOptions) {
    this.#options = options;
  }

  /**
   * What held clients is over: counting begins anew.
   * @param above the level that the tables were at before an upgrade: whoever needs more has to wait for a turn, also
   *   newcomers; `-Infinity`: whoever comes has to
   */
  begin(above: number): void {
    this.#above = this.#lasts ? Math.min(this.#above, above) : above;
    this.#since = this.#options.clock.monotonic();
    this.#given = 0;
  }

  /** Somebody became a session. */
  noteAdmitted(): void {
    this.#lastAdmitted = this.#options.clock.monotonic();
  }

  /**
   * The turn of a client that is permitted; null: it has none to wait for. It resolves with the turn, or when `signal`
   * aborts.
   * @param heldSince since when it was held, monotonic; null: it was not
   */
  turn(comer: Comer, heldSince: number | null, signal: CancelSignal): Promise<void> | null {
    if (heldSince !== null) this.#noteRelease(heldSince);
    else if (!this.#concerns(comer)) return null;
    if (this.#queue.size === 0 && this.#hasRoom()) {
      this.#give();
      return null;
    }
    return this.#wait(comer, signal);
  }

  /**
   * When somebody for whom there is no room may come again, ms: once those are in who came before, and each at a moment
   * of its own.
   * @param ahead how many those are, if nobody is let in at present
   */
  comeAgain(ahead: number): number {
    const { clock, random } = this.#options;
    const now = clock.monotonic();
    const wait = Math.max(
      SOONEST,
      this.#momentOf(this.#given + this.#queue.size) - now,
      this.#timeFor(ahead),
    );
    return Math.round(wait * (1 + random.next()));
  }

  /**
   * A client that was held gets a turn. If nobody was admitted while it was held, the gate was closed, and everybody who
   * comes now comes of that.
   */
  #noteRelease(heldSince: number): void {
    const isNew = heldSince > this.#since && this.#queue.size === 0;
    const wasClosed = heldSince > this.#lastAdmitted;
    if (isNew && (wasClosed || !this.#lasts))
      this.begin(wasClosed ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
  }

  #concerns({ version }: Comer): boolean {
    return this.#lasts && this.#options.levelOf(version) > this.#above;
  }

  get #lasts(): boolean {
    return this.#options.clock.monotonic() < this.#since + LASTS;
  }

  /** Monotonic: when the n-th is let in, counted from 0. */
  #momentOf(n: number): number {
    return this.#since + this.#timeFor(n);
  }

  /** ms that the ramp takes for n. */
  #timeFor(n: number): number {
    return 1_000 * Math.log2(1 + n / this.#options.start);
  }

  #hasRoom(): boolean {
    const now = this.#options.clock.monotonic();
    if (now >= this.#turn.at + TURN) this.#turn = { at: now, count: 0 };
    return this.#turn.count < AT_ONCE && now + EPSILON >= this.#momentOf(this.#given);
  }

  #give(): void {
    this.#given++;
    this.#turn.count++;
  }

  #wait({ version, peer }: Comer, signal: CancelSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const leave = () => {
        this.#queue.remove(waiting);
        this.#plan();
        go();
      };
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiting = { line: `${version.major}.${version.minor}`, host: hostOf(peer), go };
      signal.addEventListener('abort', leave);
      this.#queue.add(waiting);
      this.#plan();
    });
  }

  #letIn(): void {
    this.#timer = null;
    while (this.#queue.size > 0 && this.#hasRoom()) {
      this.#give();
      this.#queue.take()?.go();
    }
    this.#plan();
  }

  /** One timer for all who wait. */
  #plan(): void {
    if (this.#queue.size === 0) {
      this.#timer?.cancel();
      this.#timer = null;
    }
    if (this.#queue.size === 0 || this.#timer !== null) return;
    const { clock } = this.#options;
    const next = Math.max(this.#momentOf(this.#given), this.#turn.count < AT_ONCE ? 0 : this.#turn.at + TURN);
    this.#timer = clock.after(Math.max(0, next - clock.monotonic()), () => this.#letIn());
  }
}

export interface UpgradeRampOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Clients that are let in during the first second. */
  readonly ramp: number;
  readonly migration: Pick<Migration, 'levelOf' | 'whenRisen'>;
}

/** A ramp that begins anew whenever an upgrade is over. */
export function rampAfterUpgrades({ clock, random, ramp: start, migration }: UpgradeRampOptions): Ramp {
  const ramp = new Ramp({ clock, random, start, levelOf: (version) => migration.levelOf(version) });
  migration.whenRisen((level) => ramp.begin(level));
  return ramp;
}
