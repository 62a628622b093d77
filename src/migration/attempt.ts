/**
 * One attempt at an upgrade: claims it in the ledger, executes the plan for as long as the claim is in force, and
 * records how it ended. A failure is recorded after what it broke was restored, where a hook for that is stated.
 */
import { createHash } from 'node:crypto';
import type { UpgradeAttempt } from '../events/events.ts';
import type { Plan } from '../policy/plan.ts';
import { pause } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { executePlan, type PlanContext, recordRegression } from './execute-plan.ts';
import { foreignAmong } from './foreign-ledgers.ts';
import { ClaimLost, type HeldClaim } from './ledger/held-claim.ts';
import type { Ledger, LedgerView } from './ledger/ledger.ts';
import { LedgerFormatError, type TriggerInfo } from './ledger/record.ts';
import { LedgerUnavailable } from './ledger/store.ts';
import type { MigrationProgress } from './migration.ts';
import { keepRenewing } from './renewal.ts';
import { restore } from './restore.ts';
import { NOTHING_TO_RESTORE_WITH } from './upgrade-status.ts';

export interface AttemptOptions
  extends Pick<PlanContext, 'cluster' | 'settings' | 'clock' | 'hooks' | 'events'> {
  readonly ledger: Ledger;
  readonly random: Random;
  /** The gate's process, as the ledger names it. */
  readonly owner: string;
  /** ms that a claim lives without renewal. */
  readonly lease: number;
  /** Failures in a row after which only an operator can go on; ms before the second attempt, doubling. */
  readonly retry: { readonly attempts: number; readonly backOff: number };
  /** ms that the gates get to drain their sessions before an upgrade that needs downtime. */
  readonly drainTime: number;
}

/** What an attempt asks its gate. */
export interface AttemptContext {
  /** By what is known now. @throws {PlanError} */
  readonly plan: () => Plan;
  /** The ledger, as it was read last. */
  readonly view: () => LedgerView | null;
  /** Reads the ledger anew. */
  readonly look: () => Promise<void>;
  /** Aborts when the gate stops. */
  readonly stopping: AbortSignal;
}

/** An operator asked for the end of an attempt. */
export class AbortedByOperator extends Error {
  override readonly name = 'AbortedByOperator';
}

/** What is left to do under a claim once its plan has failed; `signal` aborts when the claim is lost. */
export type Ending = Pick<PlanContext, 'held' | 'signal' | 'onProgress'>;

/** One attempt, which a client brought or a lost gate left behind. */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #context: AttemptContext;
  readonly #trigger: TriggerInfo;
  readonly #aborting = new AbortController();
  readonly #lost = new AbortController();
  #claimed = false;
  #progress: MigrationProgress | null = null;

  constructor(options: AttemptOptions, context: AttemptContext, trigger: TriggerInfo) {
    this.#options = options;
    this.#context = context;
    this.#trigger = trigger;
  }

  /** What the hook said last. */
  get progress(): MigrationProgress | null {
    return this.#progress;
  }

  /** Whether the claim is, or was, this attempt's. */
  get claimed(): boolean {
    return this.#claimed;
  }

  /** Ends it with its hook. Does nothing before the claim is this attempt's. */
  abort(reason: Error): void {
    if (this.#claimed) this.#aborting.abort(reason);
  }

  /** Ends it with its hook, and records nothing: the ledger that its claim was in is gone. */
  lose(reason: ClaimLost): void {
    if (this.#claimed) this.#lost.abort(reason);
  }

  /** Resolves once it is over, however it ended. @throws if it could not be claimed */
  async run(): Promise<void> {
    const { ledger, lease, retry, cluster, clock, owner, hooks } = this.#options;
    // Another gate may have the hook: no attempt is spent on finding out that this one has not.
    if (hooks.restore === null && this.#context.view()?.record.restoring)
      throw new Error(
        `it waits for ${NOTHING_TO_RESTORE_WITH.for}: ${NOTHING_TO_RESTORE_WITH.missing.remedy}`,
      );
    await cluster.refresh(0);
    const plan = this.#context.plan();
    if (plan.runs.length === 0 && this.#context.view()?.record.claim === null) return;
    const askedAt = clock.monotonic();
    const held = await ledger.claim(
      {
        owner,
        plan,
        checksum: checksumOf(plan),
        trigger: this.#trigger,
        above: cluster.token,
        attempts: retry.attempts,
      },
      lease,
    );
    if (held === 'given-up') return this.#sayGivenUp();
    if (typeof held === 'string') return;
    if (this.#context.stopping.aborted) return held.release('the gate stops');
    this.#claimed = true;
    await this.#runUnder(held, plan, askedAt);
  }

  async #runUnder(held: HeldClaim, plan: Plan, askedAt: number): Promise<void> {
    const { clock, lease, events } = this.#options;
    const lost = this.#lost;
    const stopRenewing = keepRenewing({ held, lost, lease, clock }, askedAt);
    const onProgress = (progress: MigrationProgress) => {
      this.#progress = progress;
    };
    await this.#context.look();
    const about = attemptOf(this.#trigger.client, held.token, plan);
    const startedAt = clock.monotonic();
    events.emit({ event: 'migration', what: 'started', ...about });
    try {
      const end = await this.#execute(
        held,
        AbortSignal.any([this.#aborting.signal, lost.signal]),
        onProgress,
      );
      const durationMs = Math.round(clock.monotonic() - startedAt);
      events.emit({ event: 'migration', ...about, ...end, durationMs });
    } catch (error) {
      await this.#ended({ held, signal: lost.signal, onProgress }, error as Error, about);
    } finally {
      stopRenewing();
    }
  }

  async #execute(held: HeldClaim, signal: AbortSignal, onProgress: Ending['onProgress']) {
    const { clock, drainTime } = this.#options;
    const drain = () => pause(clock, drainTime, signal);
    const end = await executePlan({ ...this.#options, held, signal, onProgress, drain });
    if (end.what === 'not-needed') await held.release(end.reason);
    return end;
  }

  /** Records a failure, gives the claim back when the gate stops, or writes nothing where the claim is lost. */
  async #ended(ending: Ending, error: Error, about: UpgradeAttempt): Promise<void> {
    const { events } = this.#options;
    const lost = (why: string) => events.emit({ event: 'migration', what: 'lost', ...about, error: why });
    try {
      // Without the ledger nobody knows what a run came to: whoever takes over goes on from the last record.
      if (isOfLedger(error)) return lost(error.message);
      if (this.#context.stopping.aborted) {
        await ending.held.release('the gate stops');
        return events.emit({ event: 'migration', what: 'released', ...about });
      }
      await this.#fail(ending, error, about);
    } catch (failure) {
      lost(`${error.message}; ${(failure as Error).message}`);
    }
  }

  async #fail(ending: Ending, error: Error, about: UpgradeAttempt): Promise<void> {
    const { events, cluster } = this.#options;
    const { held } = ending;
    const { claim } = await held.current();
    const why = `${error.message}${await restore({ ...this.#options, ...ending }, error)}`;
    // What went back on the way is on record before the failure is: it is no news that would take it back.
    await cluster.refresh(0);
    const record = await recordRegression({ ...this.#options, held });
    const byOperator = error instanceof AbortedByOperator;
    // By itself it would end the run of that other ledger in turn, and be ended again by that one's next attempt.
    const isOvertaken = foreignAmong(cluster.ledgers, record).some(([, token]) => token >= held.token);
    const retryAt = byOperator || isOvertaken ? null : this.#retryAt(claim.attempt);
    if (!byOperator) await held.fail(why, retryAt);
    else if (!(await held.stopped(why)))
      return events.emit({ event: 'migration', what: 'released', ...about });
    events.emit({
      event: 'migration',
      what: 'failed',
      ...about,
      attempt: claim.attempt,
      error: why,
      retryAt: retryAt === null ? null : new Date(retryAt).toISOString(),
    });
  }

  #retryAt(attempt: number): number | null {
    const { retry, ledger, random } = this.#options;
    if (attempt >= retry.attempts) return null;
    return ledger.now() + retry.backOff * 2 ** (attempt - 1) * (0.75 + random.next() / 2);
  }

  async #sayGivenUp(): Promise<void> {
    const { ledger, events, retry } = this.#options;
    const { failure } = (await ledger.read()).record;
    events.emit({
      event: 'migration',
      what: 'given-up',
      client: this.#trigger.client,
      attempts: failure?.attempts ?? retry.attempts,
      toLevel: failure?.toLevel ?? null,
      error: failure?.error ?? null,
    });
  }
}

function isOfLedger(error: Error): boolean {
  return [ClaimLost, LedgerUnavailable, LedgerFormatError].some((kind) => error instanceof kind);
}

/** What the events of an attempt say of it. */
function attemptOf(client: string, token: number, { steps }: Plan): UpgradeAttempt {
  return {
    client,
    token,
    steps: steps.map(({ level, ...step }) => ({ ...step, toLevel: level })),
    fromLevel: steps[0]?.fromLevel ?? null,
    toLevel: steps.at(-1)?.level ?? null,
  };
}

function checksumOf(plan: Plan): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 16);
}
