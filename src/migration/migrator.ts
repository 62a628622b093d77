/**
 * The migration gate of one process: watches the ledger, tells policy how things stand, claims and runs the
 * upgrade when a client brings it, and takes over one whose holder is gone.
 */
import { createHash } from 'node:crypto';
import type { Cluster } from '../cluster/cluster.ts';
import type { UpgradeAttempt } from '../events/events.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { SkewPolicy, UpgradeState } from '../policy/types.ts';
import { Changes } from '../ports/changes.ts';
import { type Clock, pause, type Timer } from '../ports/clock.ts';
import { type Random, randomId } from '../ports/random.ts';
import { levelOf } from '../version/catalogue.ts';
import { parseVersion, printVersion, tryParseVersion, type Version } from '../version/version.ts';
import { agreedLevel } from './agreed-level.ts';
import { ClaimLost, type Ledger, type LedgerView } from './ledger/ledger.ts';
import { activeBlock, LedgerFormatError, type LedgerRecord, type TriggerInfo } from './ledger/record.ts';
import { LedgerUnavailable } from './ledger/store.ts';
import type { Migration, MigrationProgress, UpgradeInitiator } from './migration.ts';
import { type Plan, PlanError, planUpgrade, releaseOfTables } from './plan.ts';
import { Ramp } from './ramp.ts';
import { keepRenewing } from './renewal.ts';
import {
  call,
  factsOf,
  HookRunsOn,
  type Hooks,
  type RunContext,
  recordRegression,
  runUpgrade,
} from './run.ts';
import { missingFor, type TriggerRule } from './trigger.ts';
import { upgradeStatus } from './upgrade-status.ts';

export interface MigratorOptions {
  /** The gate's id, which its claims are written under. */
  readonly gate: string;
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly policy: SkewPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly hooks: Hooks;
  readonly trigger: TriggerRule;
  /** Where the tables are, if no server and no ledger says. */
  readonly baseline: Version | null;
  /** ms that a claim lives without renewal. */
  readonly lease: number;
  /** Failures in a row after which only an operator can go on; ms before the second attempt, doubling. */
  readonly retry: { readonly attempts: number; readonly backOff: number };
  /** ms for which clients that need no upgrade are served while the ledger is out of reach. */
  readonly grace: number;
  /** Whether everybody is held while an upgrade runs. */
  readonly holdAll: boolean;
  /** Clients a second, at first, that are let in after an upgrade. */
  readonly ramp: number;
  /** ms that the gates get to drain their sessions before an upgrade that needs downtime. */
  readonly drainTime: number;
  readonly events: EventSink;
}

/** How often the ledger is read without being told of a change, ms. */
const HEARTBEAT = 1_000;

type Standing =
  | { readonly kind: 'known'; readonly view: LedgerView }
  | {
      readonly kind: 'unavailable';
      readonly why: string;
      readonly view: LedgerView | null;
      readonly since: number;
    };

export class Migrator implements Migration {
  readonly changes = new Changes();
  readonly #options: MigratorOptions;
  readonly #owner: string;
  readonly #ramp: Ramp;
  readonly #stopping = new AbortController();
  #standing: Standing;
  #progress: MigrationProgress | null = null;
  #running: Promise<void> | null = null;
  #abortRun: AbortController | null = null;
  #unwatch = () => {};
  #heartbeat: Timer | null = null;
  #reading: Promise<void> | null = null;
  /** When the ledger was last asked. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #foreignToken = 0;
  /** Of the upgrade whose steps began the ramp. */
  #rampToken = 0;

  constructor(options: MigratorOptions) {
    this.#options = options;
    this.#owner = `${options.gate}/${randomId(options.random, 8)}`;
    this.#ramp = new Ramp(options.clock, options.ramp);
    this.#standing = {
      kind: 'unavailable',
      why: 'not read yet',
      view: null,
      since: Number.NEGATIVE_INFINITY,
    };
  }

  get level(): number | null {
    const { cluster, policy, baseline } = this.#options;
    const record = this.#standing.view?.record;
    const recorded = record?.level ?? null;
    // Nobody is admitted to what an upgrade did before the whole of it is on record, also where its gate was lost
    // in between: until the claim ends, its last step does not count.
    if (record?.claim && recorded !== null) {
      const last = record.claim.plan.steps.at(-1);
      const whole = last && recorded === last.level ? last.fromLevel : recorded;
      return Math.min(whole, cluster.level ?? whole);
    }
    return cluster.level ?? recorded ?? (baseline && levelOf(policy.catalogue, baseline));
  }

  get progress(): MigrationProgress | null {
    return this.#progress ?? this.#standing.view?.record.claim?.progress ?? null;
  }

  async refresh(maxAge: number): Promise<void> {
    const oldest = this.#options.clock.now() - maxAge;
    // The read under way may have been asked before.
    for (let tries = 0; tries < 2 && this.#askedAt < oldest; tries++) await this.#look();
  }

  stateFor(initiator: UpgradeInitiator): UpgradeState {
    const { clock, trigger, grace, holdAll } = this.#options;
    const now = clock.now();
    if (this.#standing.kind === 'unavailable') {
      const { why, since } = this.#standing;
      return { state: 'unavailable', why, stale: now - since > grace };
    }
    const { view } = this.#standing;
    const missing = () => {
      const impossible = this.#planProblem(initiator.version);
      const what =
        impossible === null
          ? missingFor(trigger, view.record, initiator, now)
          : `a catalogue that allows it: ${impossible}`;
      return what === null ? null : ({ state: 'waiting', for: what } as const);
    };
    return upgradeStatus(view, now, { holdAll, missing });
  }

  noteWaitingClient(initiator: UpgradeInitiator): void {
    const { trigger, ledger } = this.#options;
    if (trigger.clients > 1)
      ledger.see(initiator.identity, trigger.clients).then(
        () => this.#look(),
        () => {},
      );
  }

  request(initiator: UpgradeInitiator): void {
    const { connection, version, driver } = initiator;
    this.#begin({ gate: this.#owner, connection, client: printVersion(version), driver });
  }

  turn(signal: AbortSignal): Promise<void> {
    return this.#ramp.pass(signal);
  }

  async prepare(): Promise<void> {
    const { main, own, check, snapshot, restore } = this.#options.hooks;
    for (const timed of [main, ...own.values(), check, snapshot, restore]) await timed?.hook.prepare?.();
  }

  async start(): Promise<void> {
    this.#unwatch = this.#options.ledger.watch(() => void this.#look());
    await this.#look();
    const beat = () => {
      if (this.#stopping.signal.aborted) return;
      this.#heartbeat = this.#options.clock.after(HEARTBEAT, () => {
        void this.#look().finally(beat);
      });
    };
    beat();
  }

  /** An upgrade that this process runs is stopped with its hook, and its claim given back for another gate. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the gate stops'));
    this.#heartbeat?.cancel();
    this.#unwatch();
    this.#abortRun?.abort(this.#stopping.signal.reason);
    await this.#running;
    await this.#reading;
  }

  /** Reads the ledger, and acts on what it says. Calls while one is under way share it. */
  #look(): Promise<void> {
    this.#reading ??= this.#readLedger().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readLedger(): Promise<void> {
    const { ledger, clock, events } = this.#options;
    const before = this.#standing;
    this.#askedAt = clock.now();
    // Before the read: a token given after it is in no record that was read.
    const seenToken = this.#options.cluster.token;
    try {
      const view = await ledger.read();
      this.#standing = { kind: 'known', view };
      if (before.kind === 'unavailable')
        events.emit({ event: 'migration', what: 'ledger-available', ledger: ledger.url });
    } catch (error) {
      const why = (error as Error).message;
      const since = before.kind === 'known' ? clock.now() : before.since;
      this.#standing = { kind: 'unavailable', why, view: before.view, since };
      if (before.kind === 'known' || before.why !== why)
        events.emit({
          event: 'migration',
          what: 'ledger-unavailable',
          ledger: ledger.url,
          error: why,
          damaged: error instanceof LedgerFormatError,
        });
    }
    this.#lookForStrangers(seenToken);
    await this.#act(before.view);
    if (before.kind !== this.#standing.kind || contentOf(before.view) !== contentOf(this.#standing.view))
      this.changes.notify();
  }

  async #act(before: LedgerView | null): Promise<void> {
    if (this.#standing.kind !== 'known') return;
    const { record, leaseAlive } = this.#standing.view;
    if (before !== null) this.#beginRamp(before.record, record);
    if (record.claim?.abort && leaseAlive && this.#abortRun !== null) {
      const { by, reason } = record.claim.abort;
      this.#abortRun.abort(new AbortedByOperator(`aborted by ${by}: ${reason}`));
    }
    if (record.claim !== null && !leaseAlive && activeBlock(record, this.#options.clock.now()) === null)
      this.#begin(record.claim.trigger);
    else if (record.claim === null) await this.#followFacts().catch(() => {});
  }

  /** Held clients may go on where a step is on record, and where an upgrade ended without one. */
  #beginRamp(before: LedgerRecord, now: LedgerRecord): void {
    const rose = before.claim !== null && (now.level ?? 0) > (before.level ?? 0);
    const ended = before.claim !== null && now.claim === null;
    if (rose || (ended && this.#rampToken !== now.token)) this.#ramp.begin();
    if (rose) this.#rampToken = now.token;
  }

  /** The record follows what the servers report, once they were asked after it was read and all say the same. */
  async #followFacts(): Promise<void> {
    const { cluster, ledger, policy } = this.#options;
    const known = this.#standing.view?.record ?? null;
    const recorded = known?.level ?? null;
    if (cluster.level === null || cluster.level === recorded || this.#running !== null) return;
    await cluster.refresh(0);
    const level = agreedLevel(cluster);
    if (level === null || level === recorded) return;
    const version = cluster.servers.find((server) => server.version !== null)?.version ?? null;
    const release = this.#statedFor(level) ?? (version && releaseOfTables(policy.catalogue, level, version));
    const { level: followed } = await ledger.observe(
      level,
      release && printVersion(release),
      this.#owner,
      known,
    );
    // Another gate may have begun an upgrade meanwhile.
    this.#standing = { kind: 'known', view: await ledger.read() };
    if (followed !== level) return;
    this.#options.events.emit({
      event: 'migration',
      what: recorded !== null && level < recorded ? 'level-went-back' : 'level-observed',
      fromLevel: recorded,
      toLevel: level,
    });
  }

  /** A token that this ledger never gave means that another ledger serves the same servers. */
  #lookForStrangers(seenToken: number): void {
    const { events, ledger } = this.#options;
    if (this.#standing.kind !== 'known') return;
    const known = this.#standing.view.record.token;
    if (seenToken <= Math.max(known, this.#foreignToken)) return;
    this.#foreignToken = seenToken;
    events.emit({
      event: 'migration',
      what: 'foreign-ledger',
      ledger: ledger.url,
      token: known,
      seenToken,
      error:
        'a server has seen a token that this ledger did not give: another gate upgrades the same cluster with another ledger',
    });
  }

  #planProblem(version: Version): string | null {
    try {
      this.#plan(version);
      return null;
    } catch (error) {
      if (error instanceof PlanError) return error.message;
      throw error;
    }
  }

  /** The baseline, where the tables are as it left them. */
  #statedFor(level: number): Version | null {
    const { baseline, policy } = this.#options;
    return baseline !== null && levelOf(policy.catalogue, baseline) === level ? baseline : null;
  }

  /** @throws {PlanError} */
  #plan(to: Version): Plan {
    const { policy, hooks } = this.#options;
    const level = this.level ?? 0;
    const record = this.#standing.view?.record;
    const recorded =
      record?.level === level && record.release !== null ? tryParseVersion(record.release) : null;
    return planUpgrade({
      catalogue: policy.catalogue,
      from: { level, release: recorded ?? this.#statedFor(level) },
      to,
      hooked: [...hooks.own.keys()].map(parseVersion),
    });
  }

  #begin(trigger: TriggerInfo): void {
    if (this.#running !== null || this.#stopping.signal.aborted) return;
    this.#running = this.#claimAndRun(trigger)
      .catch((error) =>
        this.#options.events.emit({
          event: 'migration',
          what: 'claim-failed',
          client: trigger.client,
          error: (error as Error).message,
        }),
      )
      .finally(async () => {
        this.#running = null;
        this.#progress = null;
        this.#abortRun = null;
        await this.#look();
        this.changes.notify();
      });
  }

  async #claimAndRun(trigger: TriggerInfo): Promise<void> {
    const { ledger, lease, retry, events, cluster } = this.#options;
    await cluster.refresh(0);
    const plan = this.#plan(parseVersion(trigger.client));
    if (plan.runs.length === 0 && this.#standing.view?.record.claim === null) return;
    const askedAt = this.#options.clock.now();
    const held = await ledger.claim(
      {
        owner: this.#owner,
        plan,
        checksum: checksumOf(plan),
        trigger,
        above: cluster.token,
        attempts: retry.attempts,
      },
      lease,
    );
    if (held === 'given-up') {
      const { failure } = (await ledger.read()).record;
      events.emit({
        event: 'migration',
        what: 'given-up',
        client: trigger.client,
        attempts: failure?.attempts ?? retry.attempts,
        toLevel: failure?.toLevel ?? null,
        error: failure?.error ?? null,
      });
    }
    if (typeof held === 'string') return;
    if (this.#stopping.signal.aborted) return held.release('the gate stops');
    this.#abortRun = new AbortController();
    const lost = new AbortController();
    const stopRenewing = keepRenewing({ held, lost, lease, clock: this.#options.clock }, askedAt);
    const signal = AbortSignal.any([this.#abortRun.signal, lost.signal]);
    const onProgress = (progress: MigrationProgress) => {
      this.#progress = progress;
    };
    await this.#look();
    const about = attemptOf(trigger.client, held.token, plan);
    const startedAt = this.#options.clock.now();
    events.emit({ event: 'migration', what: 'started', ...about });
    try {
      const end = await runUpgrade({
        ...this.#options,
        held,
        signal,
        onProgress,
        drain: () => pause(this.#options.clock, this.#options.drainTime, signal),
      });
      if (end.kind === 'not-needed') await held.release(end.reason);
      const durationMs = Math.round(this.#options.clock.now() - startedAt);
      events.emit(
        end.kind === 'done'
          ? { event: 'migration', what: 'done', ...about, durationMs }
          : { event: 'migration', what: 'not-needed', ...about, reason: end.reason, durationMs },
      );
    } catch (error) {
      await this.#ended({ held, signal: lost.signal, onProgress }, error as Error, about);
    } finally {
      stopRenewing();
    }
  }

  /** Records a failure, gives the claim back when the gate stops, or writes nothing where the claim is lost. */
  async #ended(ending: Ending, error: Error, about: UpgradeAttempt): Promise<void> {
    const { events } = this.#options;
    const { held } = ending;
    const lost = (why: string) => events.emit({ event: 'migration', what: 'lost', ...about, error: why });
    try {
      // Without the ledger nobody knows what a run came to: whoever takes over goes on from the last record.
      if (isOfLedger(error)) return lost(error.message);
      if (this.#stopping.signal.aborted) {
        await held.release('the gate stops');
        return events.emit({ event: 'migration', what: 'released', ...about });
      }
      const { claim } = await held.current();
      const why = `${error.message}${await this.#restore(ending, error)}`;
      // What went back on the way is on record before the failure is: it is no news that would take it back.
      await this.#options.cluster.refresh(0);
      await recordRegression({ ...this.#options, held });
      const retryAt = error instanceof AbortedByOperator ? null : this.#retryAt(claim.attempt);
      await held.fail(why, retryAt);
      events.emit({
        event: 'migration',
        what: 'failed',
        ...about,
        attempt: claim.attempt,
        error: why,
        retryAt: retryAt === null ? null : new Date(retryAt).toISOString(),
      });
    } catch (failure) {
      lost(`${error.message}; ${(failure as Error).message}`);
    }
  }

  /** What else there is to say of the failure: nothing, unless the restore failed too. */
  async #restore(ending: Ending, error: Error): Promise<string> {
    const { hooks, clock, cluster, events } = this.#options;
    if (hooks.restore === null || error instanceof HookRunsOn) return '';
    const { held } = ending;
    const { record, claim } = await held.current();
    const run = claim.plan.runs[claim.runsDone];
    // What no hook was begun for has nothing to undo, and perhaps no snapshot of its own.
    if (run === undefined || !claim.begun) return '';
    const sessions = cluster.servers.reduce((sum, server) => sum + server.sessions, 0);
    const facts = {
      ...factsOf(record, claim, run),
      key: `${record.cluster}/${record.epoch}/restore/${run.fromLevel}`,
    };
    try {
      await call({ clock, ...ending }, hooks.restore, facts);
      const meanwhile = `${sessions} sessions are open on this gate, admitted before or while it ran`;
      await held.restored(`after ${error.message}; ${meanwhile}`);
      events.emit({
        event: 'migration',
        what: 'restored',
        token: held.token,
        error: error.message,
        sessions,
      });
      return '';
    } catch (failure) {
      const { message } = failure as Error;
      events.emit({
        event: 'migration',
        what: 'restore-failed',
        token: held.token,
        error: message,
        sessions,
      });
      if (ending.signal.aborted) throw ending.signal.reason;
      return `; nor could it be restored: ${message}`;
    }
  }

  #retryAt(attempt: number): number | null {
    const { retry, clock, random } = this.#options;
    if (attempt >= retry.attempts) return null;
    return clock.now() + retry.backOff * 2 ** (attempt - 1) * (0.75 + random.next() / 2);
  }
}

/** What is left to do under a claim once its run has failed; `signal` aborts when the claim is lost. */
type Ending = Pick<RunContext, 'held' | 'signal' | 'onProgress'>;

function isOfLedger(error: Error): boolean {
  return [ClaimLost, LedgerUnavailable, LedgerFormatError].some((kind) => error instanceof kind);
}

class AbortedByOperator extends Error {
  override readonly name = 'AbortedByOperator';
}

/** What those who wait want to hear of at once: progress they look up by themselves. */
function contentOf(view: LedgerView | null): string {
  return JSON.stringify(view, (key, value) => (key === 'progress' ? null : value));
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
