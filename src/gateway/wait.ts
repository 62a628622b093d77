/** How long one client has waited, for what, and when it may no longer. */
import { CODES, type Code } from '../policy/codes.ts';
import { giveUp, refusal } from '../policy/decision.ts';
import type { Decision } from '../policy/types.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Slots } from './slots.ts';

export interface WaitTimes {
  /** ms a client may wait for a server. */
  readonly hold: number;
  /** ms a client may wait for an upgrade. */
  readonly upgrade: number;
}

export interface WaitContext {
  readonly clock: Clock;
  readonly random: Random;
  /** As it is now. */
  readonly settings: { readonly times: WaitTimes };
  /** Clients that wait for an upgrade: bounded, counted over all of them. */
  readonly waiting: Slots;
  /** All that are held now. */
  readonly held: HeldClients;
}

/** What a held client waits for. `operator`: the end of a pause. */
export type WaitsFor = NonNullable<(typeof CODES)[Code]['waitsFor']>;

/** Clients that are held now, by what they wait for. */
export class HeldClients {
  readonly #counts: Record<WaitsFor, number> = { upgrade: 0, server: 0, operator: 0 };

  /** A client waits for something else than before. @param before null: it was not held @param now null: it is no longer */
  move(before: WaitsFor | null, now: WaitsFor | null): void {
    if (before !== null) this.#counts[before]--;
    if (now !== null) this.#counts[now]++;
  }

  counts(): Readonly<Record<WaitsFor, number>> {
    return { ...this.#counts };
  }
}

/** About when a client that could not wait for the upgrade is asked to come again, ms. */
const RETRY_AFTER = 10_000;

/** The waits of one client. A wait for an upgrade and one for a server have a time limit each. */
export class Wait {
  readonly #context: WaitContext;
  #since: number | null = null;
  /** What it waits for now, and since when. */
  #turn: { readonly forUpgrade: boolean; readonly since: number } | null = null;
  #for: Code | null = null;
  #awaitsUpgrade = false;
  #held: WaitsFor | null = null;

  constructor(context: WaitContext) {
    this.#context = context;
  }

  /** The code of the first verdict that held the client. */
  get for(): Code | null {
    return this.#for;
  }

  /** So far. */
  get ms(): number {
    return this.#since === null ? 0 : this.#context.clock.monotonic() - this.#since;
  }

  /** Counted among those that wait for an upgrade. */
  get awaitsUpgrade(): boolean {
    return this.#awaitsUpgrade;
  }

  /** Begins or goes on; returns the ms that are left. */
  goOn(decision: Decision): number {
    const { clock, waiting } = this.#context;
    this.#since ??= clock.monotonic();
    this.#for ??= decision.code;
    const forUpgrade = isForUpgrade(decision);
    if (this.#turn?.forUpgrade !== forUpgrade) this.#turn = { forUpgrade, since: clock.monotonic() };
    if (forUpgrade) this.#awaitsUpgrade ||= waiting.acquire();
    this.#hold(CODES[decision.code].waitsFor ?? 'server');
    return Math.max(0, this.#deadline(decision) - clock.monotonic());
  }

  /** It waits for no upgrade any more. */
  leaveUpgrade(): void {
    if (this.#awaitsUpgrade) this.#context.waiting.release();
    this.#awaitsUpgrade = false;
  }

  /** The client is held no longer, whatever becomes of it. */
  end(): void {
    this.leaveUpgrade();
    this.#hold(null);
  }

  #hold(now: WaitsFor | null): void {
    if (now === this.#held) return;
    this.#context.held.move(this.#held, now);
    this.#held = now;
  }

  /**
   * The refusal of a client that may not wait, or not any longer; null: it may.
   * @param obstacle why the upgrade that it waits for can't begin; null: nothing is known to be in the way
   */
  overdue(decision: Decision, obstacle: string | null = null): Decision | null {
    if (decision.verdict === 'refuse') return decision;
    const { clock, waiting, random } = this.#context;
    const forUpgrade = isForUpgrade(decision);
    const full = forUpgrade && !this.#awaitsUpgrade && waiting.isFull;
    if (!full && clock.monotonic() < this.#deadline(decision)) return null;
    if (!forUpgrade) return giveUp(decision, this.ms);
    const why = full
      ? `${waiting.limit} clients wait for it already`
      : `it waited ${Math.round(this.ms / 100) / 10} s`;
    const [code, because] =
      obstacle !== null && decision.verdict === 'migrate'
        ? ([
            'LEDGER_UNAVAILABLE',
            `${why}, and the ledger of upgrades can't be written: ${obstacle}`,
          ] as const)
        : (['UPGRADE_IN_PROGRESS', why] as const);
    return {
      ...decision,
      ...refusal(code, `${decision.message} Refused: ${because}.`, {
        client: decision.client,
        observed: decision.observed,
        rule: decision.rule,
        trace: decision.trace,
        retryAfterMs: Math.round(RETRY_AFTER * (0.5 + random.next())),
      }),
    };
  }

  /** Each of the two waits has its own time; together they take no longer than the longer one. */
  #deadline(decision: Decision): number {
    const { settings, clock } = this.#context;
    const { times } = settings;
    const forUpgrade = isForUpgrade(decision);
    const now = clock.monotonic();
    const turned = this.#turn?.forUpgrade === forUpgrade ? this.#turn.since : now;
    const all = (this.#since ?? now) + Math.max(times.upgrade, times.hold);
    return Math.min(all, turned + (forUpgrade ? times.upgrade : times.hold));
  }
}

/** Whether a hold is for the upgrade, not for a server. */
export function isForUpgrade({ code }: Decision): boolean {
  return CODES[code].waitsFor === 'upgrade';
}
