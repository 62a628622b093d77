/**
 * Wrong tokens, by where they come from. The first few are answered at once, those that follow later and later; each is
 * forgotten after a while. A right token waits for nobody, from wherever it comes: no flood of wrong ones can lock it
 * out, and a token has too many bits for guesses. What is remembered, and how many answers are held back, is bounded.
 */
import type { Clock } from '../ports/clock.ts';
import { networkName, parseIp } from '../wire/ip-address.ts';

/** That are answered at once. */
const FREE = 3;
/** ms by which the next one is held back; doubles with each. */
const FIRST_MS = 100;
const MOST_MS = 2_000;
/** ms after which one is forgotten. */
const FORGET_MS = 10_000;
/** So that a source that was bad is good again after a few minutes. */
const MOST_FAILURES = 30;
/** Sources that are remembered: the one that was heard of least lately goes first. */
const MOST_SOURCES = 1_024;
/** Answers held back at once, of one source and in all. What comes beyond is told so at once, and remembered alike. */
const MOST_HELD = { source: 8, all: 64 };

interface Source {
  readonly failures: number;
  /** When it was heard of last, ms. */
  readonly at: number;
  readonly held: number;
}

const NONE: Source = { failures: 0, at: 0, held: 0 };

/** Counts them, and holds their answers back. */
export class FailedAttempts {
  readonly #clock: Clock;
  readonly #sources = new Map<string, Source>();
  #held = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sources that are remembered. */
  get size(): number {
    return this.#sources.size;
  }

  /**
   * One more. Resolves when it may be answered.
   * @param address absent: a Unix socket's
   * @returns false, at once: too many answers are held back already
   */
  async note(address: string | undefined): Promise<boolean> {
    const source = sourceOf(address);
    const { failures, held } = this.#change(source, { failures: 1 });
    const ms = delayAfter(failures);
    if (ms === 0) return true;
    if (held >= MOST_HELD.source || this.#held >= MOST_HELD.all) return false;
    this.#change(source, { held: 1 });
    this.#held++;
    await new Promise<void>((resolve) => this.#clock.after(ms, resolve));
    this.#held--;
    this.#change(source, { held: -1 });
    return true;
  }

  /** What is known of a source, changed by some numbers; it is the one heard of last then. */
  #change(source: string, { failures = 0, held = 0 }: Partial<Source>): Source {
    const now = this.#clock.monotonic();
    const before = this.#sources.get(source) ?? NONE;
    const left = Math.max(0, before.failures - Math.floor((now - before.at) / FORGET_MS));
    const after = {
      failures: Math.min(left + failures, MOST_FAILURES),
      // What is forgotten by steps must not be forgotten anew with each look.
      at: failures > 0 ? now : before.at,
      held: Math.max(0, before.held + held),
    };
    this.#sources.delete(source);
    this.#sources.set(source, after);
    if (this.#sources.size > MOST_SOURCES) {
      const [oldest = ''] = this.#sources.keys();
      this.#sources.delete(oldest);
    }
    return after;
  }
}

function delayAfter(failures: number): number {
  return failures <= FREE ? 0 : Math.min(MOST_MS, FIRST_MS * 2 ** (failures - FREE - 1));
}

/** A host, or of IPv6 its network: whoever has one address of it has all. */
function sourceOf(address = 'unix'): string {
  const ip = parseIp(address.replace(/%.*/, ''));
  return ip === null ? address : networkName(ip, { v4: 32, v6: 64 });
}
