/** How long one client has waited, for what, and when it may no longer. */
import { CODES, type Code } from '../policy/codes.ts';
import { giveUp, refusal } from '../policy/decision.ts';
import type { Decision } from '../policy/types.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Slots } from './slots.ts';

/** What a client may wait for. `operator`: the end of a pause. */
export type WaitsFor = NonNullable<(typeof CODES)[Code]['waitsFor']>;

/** A client that is held, at one moment. */
export interface HeldClient {
  /** Id of the attempt. */
  readonly connection: string;
  /** Its version. */
  readonly client: string;
  /** Its address. */
  readonly peer: string;
  /** ms that it has waited. */
  readonly waitedMs: number;
  /** Of the verdict that holds it now. */
  readonly code: Code;
  /** For people: what it waits for. */
  readonly message: string;
}

/** Tells of itself for as long as it is held. */
export interface Holding {
  heldClient(): HeldClient;
}

/** Clients that are held now: who they are, and how many wait for what. */
export class HeldClients {
  readonly #counts: Record<WaitsFor, number> = { upgrade: 0, server: 0, operator: 0 };
  readonly #holdings = new Set<Holding>();

  add(holding: Holding): void {
    this.#holdings.add(holding);
  }

  remove(holding: Holding): void {
    this.#holdings.delete(holding);
  }

  /** Those that came first, so many at most. */
  list(most: number): HeldClient[] {
    return Array.from(this.#holdings.values().take(most), (holding) => holding.heldClient());
  }

  /** A client waits for something else than before. @param before null: it was not held @param now null: it is no longer */
  move(before: WaitsFor | null, now: WaitsFor | null): void {
    if (before !== null) this.#counts[before]--;
    if (now !== null) this.#counts[now]++;
  }

  counts(): Readonly<Record<WaitsFor, number>> {
    return { ...this.#counts };
  }
}

export interface WaitTimes {
  /** ms a client may wait for a server, or for the end of a pause. */
  readonly hold: number;
  /** ms a client may wait for an upgrade. */
  readonly upgrade: number;
}

export interface WaitContext {
  readonly clock: Clock;
  readonly random: Random;
  /** As it is now. */
  readonly settings: { readonly times: WaitTimes };
  /** Clients that wait for an upgrade or for the end of a pause: bounded, counted over all of them. */
  readonly waiting: Slots;
  /** All that are held now. */
  readonly held: HeldClients;
}

/** About when a client that could not wait is asked to come again, ms. */
const RETRY_AFTER = 10_000;

/** The waits of one client. Each kind of wait has a time limit of its own. */
export class Wait {
  readonly #context: WaitContext;
  #since: number | null = null;
  /** What it waits for now, and since when. */
  #turn: { readonly kind: WaitsFor; readonly since: number } | null = null;
  #for: Code | null = null;
  #hasPlace = false;

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

  /** Begins or goes on; returns the ms that are left. */
  goOn(decision: Decision): number {
    const { clock, waiting } = this.#context;
    this.#since ??= clock.monotonic();
    this.#for ??= decision.code;
    const kind = kindOf(decision);
    if (this.#turn?.kind !== kind) this.#turnTo(kind);
    if (kind !== 'server') this.#hasPlace ||= waiting.acquire();
    return Math.max(0, this.#deadline(decision) - clock.monotonic());
  }

  /** Its place is another's: it is let in, or turned away. */
  leavePlace(): void {
    if (this.#hasPlace) this.#context.waiting.release();
    this.#hasPlace = false;
  }

  /** It waits for nothing any more. */
  end(): void {
    this.leavePlace();
    this.#turnTo(null);
  }

  /**
   * The refusal of a client that may not wait, or not any longer; null: it may.
   * @param obstacle why the upgrade that it waits for can't begin; null: nothing is known to be in the way
   */
  overdue(decision: Decision, obstacle: string | null = null): Decision | null {
    if (decision.verdict === 'refuse') return decision;
    const { clock, waiting } = this.#context;
    const kind = kindOf(decision);
    const full = kind !== 'server' && !this.#hasPlace && waiting.isFull;
    if (!full && clock.monotonic() < this.#deadline(decision)) return null;
    if (kind === 'server') return giveUp(decision, this.ms);
    const waited = `it waited ${Math.round(this.ms / 100) / 10} s`;
    const limit = full ? 'hold.clients' : undefined;
    if (kind === 'operator')
      return this.#comeAgain(
        decision,
        'PAUSED',
        full ? `${waiting.limit} clients wait already` : waited,
        limit,
      );
    const why = full ? `${waiting.limit} clients wait for it already` : waited;
    return obstacle !== null && decision.verdict === 'migrate'
      ? this.#comeAgain(
          decision,
          'LEDGER_UNAVAILABLE',
          `${why}, and the ledger of upgrades can't be written: ${obstacle}`,
          limit,
        )
      : this.#comeAgain(decision, 'UPGRADE_IN_PROGRESS', why, limit);
  }

  /** Not all at the same time, and not before what is waited for can be over. */
  #comeAgain(held: Decision, code: Code, why: string, limit: string | undefined): Decision {
    const soonest = held.retryAfterMs ?? RETRY_AFTER / 2;
    return {
      ...held,
      ...refusal(code, `${held.message} Refused: ${why}.`, {
        client: held.client,
        observed: held.observed,
        rule: held.rule,
        trace: held.trace,
        retryAfterMs: Math.round(soonest + RETRY_AFTER * this.#context.random.next()),
        limit,
      }),
    };
  }

  #turnTo(kind: WaitsFor | null): void {
    const { clock, held } = this.#context;
    held.move(this.#turn?.kind ?? null, kind);
    this.#turn = kind && { kind, since: clock.monotonic() };
  }

  /** Each kind of wait has its own time; together they take no longer than the longer one. */
  #deadline(decision: Decision): number {
    const { settings, clock } = this.#context;
    const { times } = settings;
    const kind = kindOf(decision);
    const now = clock.monotonic();
    const turned = this.#turn?.kind === kind ? this.#turn.since : now;
    const all = (this.#since ?? now) + Math.max(times.upgrade, times.hold);
    return Math.min(all, turned + (kind === 'upgrade' ? times.upgrade : times.hold));
  }
}

function kindOf({ code }: Decision): WaitsFor {
  return CODES[code].waitsFor ?? 'server';
}

/** Whether a hold is for the upgrade, not for a server or an operator. */
export function isForUpgrade(decision: Decision): boolean {
  return kindOf(decision) === 'upgrade';
}
