/**
 * The migration gate of one process: tells policy how things stand, lets a client bring the upgrade, takes over one
 * whose holder is gone, and lets those who waited in again. What the ledger says is ledger-watch.ts's, and an attempt
 * is attempt.ts's.
 */
import type { Plan } from '../policy/plan.ts';
import type { UpgradeState } from '../policy/types.ts';
import { Changes } from '../ports/changes.ts';
import { lookForProcess } from '../process/find-process.ts';
import { levelOf } from '../version/catalogue.ts';
import { parseVersion, printVersion, type Version } from '../version/version.ts';
import { AbortedByOperator, Attempt, type AttemptOptions } from './attempt.ts';
import { FactFollower } from './fact-follower.ts';
import { ForeignLedgers, type SeenClaims } from './foreign-ledgers.ts';
import { ClaimLost } from './ledger/held-claim.ts';
import { doubtIn } from './ledger/known-ledger.ts';
import type { Ledger } from './ledger/ledger.ts';
import { activeBlock, type LedgerRecord, type TriggerInfo } from './ledger/record.ts';
import { LedgerUnavailable } from './ledger/store.ts';
import { LedgerDoubt } from './ledger-doubt.ts';
import { type LedgerStanding, LedgerWatch } from './ledger-watch.ts';
import type { Migration, MigrationProgress, UpgradeInitiator } from './migration.ts';
import { endOrphan } from './orphan.ts';
import { Planner } from './planner.ts';
import { missingFor, type TriggerRule } from './trigger.ts';
import { upgradeStatus } from './upgrade-status.ts';

/** After an attempt that could not even be claimed, until the next one, ms; it doubles up to the longest. */
const CLAIM_PAUSE = { first: 1_000, longest: 10_000 };

export interface MigratorOptions extends AttemptOptions {
  readonly trigger: TriggerRule;
  /** Where the tables are, if no server and no ledger says. */
  readonly baseline: Version | null;
  /** ms for which clients that need no upgrade are served while the ledger is out of reach. */
  readonly grace: number;
  /** Whether everybody is held while an upgrade runs. */
  readonly holdAll: boolean;
  /** Lets go of what was opened for it; called once it stopped. */
  readonly close?: () => Promise<void>;
}

/** The migration gate of a policy with system tables. */
export class Migrator implements Migration {
  readonly changes = new Changes();
  readonly #options: MigratorOptions;
  readonly #planner: Planner;
  readonly #watch: LedgerWatch;
  readonly #follower: FactFollower;
  readonly #doubt: LedgerDoubt;
  readonly #foreign: ForeignLedgers;
  #onRise: (level: number) => void = () => {};
  readonly #stopping = new AbortController();
  #attempt: { readonly attempt: Attempt; readonly over: Promise<void> } | null = null;
  /** Claims that failed in a row, and when the next one may be tried; null: none did. */
  #unclaimed: {
    readonly why: string;
    readonly byLedger: boolean;
    readonly pause: number;
    readonly until: number;
  } | null = null;
  /** Of the upgrade whose steps let clients go on. */
  #risenToken = 0;

  constructor(options: MigratorOptions) {
    this.#options = options;
    this.#planner = new Planner({ ...options, hooked: [...options.hooks.own.keys()] });
    this.#follower = new FactFollower({ ...options, planner: this.#planner });
    this.#doubt = new LedgerDoubt(options);
    this.#foreign = new ForeignLedgers(options);
    this.#watch = new LedgerWatch({
      ...options,
      react: (before, seen) => this.#react(before, seen),
      changed: () => this.changes.notify(),
    });
  }

  get reached(): number | null {
    const recorded = this.#watch.view?.record.level ?? null;
    return this.#options.cluster.level ?? recorded ?? this.#planner.baselineLevel;
  }

  get level(): number | null {
    const { cluster } = this.#options;
    const { kind, view } = this.#watch.standing;
    const record = view?.record;
    const recorded = record?.level ?? null;
    // Nobody is admitted to what an upgrade did before the whole of it is on record, also where its gate was lost
    // in between: until the claim ends, its last step does not count. While the ledger is out of reach, a level that
    // rose may be the work of an upgrade that has yet to end. Nor is anybody admitted to tables that are half restored.
    if (recorded !== null && (record?.claim || record?.restoring || kind === 'unavailable')) {
      const last = record?.claim?.plan.steps.at(-1);
      const whole = last && recorded === last.level ? last.fromLevel : recorded;
      return Math.min(whole, cluster.level ?? whole);
    }
    return this.reached;
  }

  get progress(): MigrationProgress | null {
    return this.#attempt?.attempt.progress ?? this.#watch.view?.record.claim?.progress ?? null;
  }

  get ledger(): Ledger {
    return this.#options.ledger;
  }

  get standing(): LedgerStanding {
    return this.#watch.standing;
  }

  refresh(maxAge: number): Promise<void> {
    return this.#watch.refresh(maxAge);
  }

  stateFor(initiator: UpgradeInitiator): UpgradeState {
    const { clock, ledger, trigger, grace, holdAll, lease, hooks } = this.#options;
    const now = clock.monotonic();
    const { standing } = this.#watch;
    if (standing.kind === 'unavailable') {
      const { why, since, view, readAt } = standing;
      // Those who wait go on waiting for as long as the holder of the claim may be alive.
      if (view?.leaseAlive && (this.#attempt?.attempt.claimed || now < readAt + lease))
        return upgradeStatus(view, ledger.now(), { holdAll, ahead: ledger.ahead });
      return { state: 'unavailable', why, stale: now - since > grace };
    }
    const { view } = standing;
    const missing = () => {
      const impossible = this.#planner.problem(this.level ?? 0, view.record, initiator.version);
      const what =
        impossible === null
          ? missingFor(trigger, view.record, initiator, clock.now())
          : {
              for: 'a catalogue that allows it',
              missing: { kind: 'catalogue', remedy: impossible.remedy } as const,
            };
      return what === null ? null : ({ state: 'waiting', ...what } as const);
    };
    const canRestore = hooks.restore !== null;
    return upgradeStatus(view, ledger.now(), { holdAll, canRestore, ahead: ledger.ahead, missing });
  }

  noteWaitingClient(initiator: UpgradeInitiator): void {
    const { trigger, ledger } = this.#options;
    if (trigger.clients > 1)
      ledger.see(initiator.identity, trigger.clients).then(
        () => this.#watch.look(),
        () => {},
      );
  }

  request(initiator: UpgradeInitiator): void {
    const { connection, version, driver } = initiator;
    this.#begin({ gate: this.#options.owner, connection, client: printVersion(version), driver });
  }

  get obstacle(): string | null {
    return this.#unclaimed?.byLedger ? this.#unclaimed.why : null;
  }

  levelOf(version: Version): number {
    return levelOf(this.#options.settings.policy.catalogue, version);
  }

  whenRisen(listener: (level: number) => void): void {
    this.#onRise = listener;
  }

  async prepare(): Promise<void> {
    const { main, own, check, snapshot, restore } = this.#options.hooks;
    for (const timed of [main, ...own.values(), check, snapshot, restore]) await timed?.hook.prepare?.();
  }

  start(): Promise<void> {
    return this.#watch.start();
  }

  /** An upgrade that this process runs is stopped with its hook, and its claim given back for another gate. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the gate stops'));
    this.#watch.stop();
    this.#attempt?.attempt.abort(this.#stopping.signal.reason);
    await this.#attempt?.over;
    await this.#watch.settled();
    await this.#options.close?.();
  }

  /** What a reading of the ledger asks for. */
  async #react(before: LedgerStanding, seen: SeenClaims): Promise<void> {
    const { standing } = this.#watch;
    if (standing.kind !== 'known') return;
    const doubt = doubtIn(standing.view);
    if (doubt !== null) this.#attempt?.attempt.lose(new ClaimLost(doubt));
    const view = await this.#foreign.examine(seen, await this.#doubt.examine(standing.view));
    this.#watch.take(view);
    const { record, leaseAlive } = view;
    if (before.kind === 'unavailable') this.#unclaimed = null;
    if (before.view !== null) this.#tellRise(before.view.record, record);
    if (record.claim?.abort && leaseAlive) {
      const { by, reason } = record.claim.abort;
      this.#attempt?.attempt.abort(new AbortedByOperator(`aborted by ${by}: ${reason}`));
    }
    if (record.claim === null && record.failure?.aborted) this.#endOrphan(record);
    if (record.claim === null) await this.#followFacts();
    else if (
      !leaseAlive &&
      doubtIn(view) === null &&
      activeBlock(record, this.#options.ledger.now()) === null
    )
      this.#begin(record.claim.trigger);
  }

  /** What was aborted must not run on. A restore may: to cut it short would leave the tables half restored. */
  #endOrphan({ orphan, restoring, token }: LedgerRecord): void {
    const { clock, events } = this.#options;
    if (orphan === null || restoring !== null || lookForProcess(orphan) !== 'running') return;
    const { host, pid } = orphan;
    events.emit({ event: 'migration', what: 'killing-hook', host, pid, token });
    void endOrphan(orphan, clock);
  }

  /** Clients may go on where a step is on record, and where an upgrade ended without one. */
  #tellRise(before: LedgerRecord, now: LedgerRecord): void {
    const rose = before.claim !== null && (now.level ?? 0) > (before.level ?? 0);
    const ended = before.claim !== null && now.claim === null;
    if (rose) this.#onRise(before.level ?? 0);
    else if (ended && this.#risenToken !== now.token) this.#onRise(now.level ?? 0);
    if (rose) this.#risenToken = now.token;
  }

  /** Where the ledger can't be written it is tried again with the next reading. */
  async #followFacts(): Promise<void> {
    const { view } = this.#watch;
    if (view === null || this.#attempt !== null) return;
    const followed = await this.#follower.follow(view).catch(() => null);
    if (followed !== null) this.#watch.take(followed);
  }

  /** @throws {PlanError} */
  #plan(to: Version): Plan {
    return this.#planner.plan(this.level ?? 0, this.#watch.view?.record, to);
  }

  #begin(trigger: TriggerInfo): void {
    if (this.#attempt !== null || this.#stopping.signal.aborted) return;
    if (this.#unclaimed !== null && this.#options.clock.monotonic() < this.#unclaimed.until) return;
    const attempt = new Attempt(
      this.#options,
      {
        plan: () => this.#plan(parseVersion(trigger.client)),
        view: () => this.#watch.view,
        look: () => this.#watch.look(),
        stopping: this.#stopping.signal,
      },
      trigger,
    );
    this.#attempt = { attempt, over: this.#finish(attempt, trigger) };
  }

  async #finish(attempt: Attempt, { client }: TriggerInfo): Promise<void> {
    try {
      await attempt.run();
      this.#unclaimed = null;
    } catch (error) {
      this.#restAfter(error as Error, client);
    }
    this.#attempt = null;
    await this.#watch.look();
    this.changes.notify();
  }

  /** A ledger that can't be written is left alone for a while; that is said once, and again when the reason is another. */
  #restAfter(error: Error, client: string): void {
    const { clock, events } = this.#options;
    const { message } = error;
    const before = this.#unclaimed;
    const pause = before === null ? CLAIM_PAUSE.first : Math.min(2 * before.pause, CLAIM_PAUSE.longest);
    this.#unclaimed = {
      why: message,
      byLedger: error instanceof LedgerUnavailable,
      pause,
      until: clock.monotonic() + pause,
    };
    if (message !== before?.why)
      events.emit({ event: 'migration', what: 'claim-failed', client, error: message });
  }
}
