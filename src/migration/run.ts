/**
 * One upgrade under a claim: policy again on fresh facts, then run after run of the plan, each recorded. Every
 * write is refused once the claim is lost, and the signal that hooks watch aborts then.
 */

import type { Cluster } from '../cluster/cluster.ts';
import type { EventSink } from '../events/fan-out.ts';
import { decide } from '../policy/decide.ts';
import type { SkewPolicy } from '../policy/types.ts';
import { type Clock, deadline, pause } from '../ports/clock.ts';
import { killProcess, lookForProcess, type ProcessInfo, waitForProcess } from '../process/find-process.ts';
import { parseVersion } from '../version/version.ts';
import { agreedLevel } from './agreed-level.ts';
import type { Hook, HookFacts } from './hook/hook.ts';
import { HookError } from './hook/hook.ts';
import { ClaimLost, type HeldClaim } from './ledger/ledger.ts';
import type { Claim, LedgerRecord } from './ledger/record.ts';
import type { MigrationProgress } from './migration.ts';

export interface TimedHook {
  readonly hook: Hook;
  /** ms */
  readonly timeout: number;
}

export interface Hooks {
  readonly main: TimedHook;
  /** Of single releases, by `major.minor.patch`. */
  readonly own: ReadonlyMap<string, TimedHook>;
  /** Answers whether a run is done already: resolves for yes, throws for no. */
  readonly check: TimedHook | null;
  readonly snapshot: TimedHook | null;
  /** After a failure. */
  readonly restore: TimedHook | null;
  /** Makes the hook for a script that a major release demands. */
  readonly script: (script: string) => TimedHook;
}

export interface RunContext {
  readonly cluster: Cluster;
  readonly policy: SkewPolicy;
  readonly clock: Clock;
  readonly hooks: Hooks;
  readonly held: HeldClaim;
  /** Aborts when the claim is lost, an operator aborts, or the gate stops. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: MigrationProgress) => void;
  readonly events: EventSink;
  /** Resolves when no session is left on any gate, as far as that can be waited for. */
  readonly drain: () => Promise<void>;
}

/** ms that a killed process gets to be gone. */
const KILL_TIME = 5_000;

/** What an earlier attempt began still runs: nothing may be done beside it. */
export class HookRunsOn extends HookError {}

/** How an upgrade under a claim ended without failing. */
export type RunEnd = { readonly kind: 'done' } | { readonly kind: 'not-needed'; readonly reason: string };

/** @throws {HookError | ClaimLost} */
export async function runUpgrade(context: RunContext): Promise<RunEnd> {
  const { held } = context;
  const { claim: taken } = await held.current();
  await awaitOrphan(context, taken);
  let drained = !taken.plan.downtime;
  for (;;) {
    const { claim } = await held.current();
    const { plan, runsDone } = claim;
    if (plan.runs.length > 0 && runsDone === plan.runs.length) break;
    // Before each run: hooks take long, and the cluster may change meanwhile.
    await context.cluster.refresh(0);
    const record = await recordRegression(context);
    const reason = reasonToSkip(context, record, claim);
    if (reason !== null) return { kind: 'not-needed', reason };
    if (drained) await runOne(context, record, claim, runsDone);
    else await context.drain();
    drained = true;
  }
  await held.complete();
  return { kind: 'done' };
}

/** A snapshot was restored since the last record: keys of work that was lost with it have to be new ones. */
export async function recordRegression({
  cluster,
  held,
  events,
}: Pick<RunContext, 'cluster' | 'held' | 'events'>): Promise<LedgerRecord> {
  const { record, claim } = await held.current();
  const level = agreedLevel(cluster);
  if (level === null || level >= (record.level ?? 0)) return record;
  const [first] = claim.plan.steps;
  await held.wentBack(level, first?.fromLevel === level ? first.from : null);
  events.emit({ event: 'migration', what: 'level-went-back', fromLevel: record.level, toLevel: level });
  return (await held.current()).record;
}

/** Policy again, on facts asked for after the claim was taken. Null: it still wants the upgrade. */
function reasonToSkip(
  { cluster, policy, clock }: RunContext,
  record: LedgerRecord,
  claim: Claim,
): string | null {
  const decision = decide(
    { version: parseVersion(claim.trigger.client), upgrade: 'may' },
    {
      servers: cluster.servers,
      level: cluster.level ?? record.level,
      upgrade: { state: 'idle', approved: true },
    },
    policy,
    clock.now(),
  );
  // An earlier holder's hook may have done its work: what is missing then is the record of it.
  const underWay = claim.begun || claim.runsDone > 0;
  const reached = claim.plan.runs[claim.runsDone]?.fromLevel ?? 0;
  // Going on would leave out what the runs before did.
  if (underWay && cluster.level !== null && cluster.level < reached)
    return `the tables went back to level ${cluster.level}, and what is recorded of this upgrade begins at ${reached}`;
  if (decision.verdict === 'permit' && underWay) return null;
  if (decision.verdict !== 'migrate') return `${decision.code}: ${decision.message}`;
  // The plan was made before the claim: another gate may have upgraded, or a snapshot been restored, in between.
  const planned = claim.plan.steps[0]?.fromLevel;
  const level = cluster.level ?? record.level;
  return underWay || planned === level
    ? null
    : `it was planned from level ${planned}, the tables are at ${level}`;
}

/** A command of a gate that died may still run: it is waited for, and killed at its deadline. */
async function awaitOrphan({ clock, hooks, events, signal, held }: RunContext, claim: Claim): Promise<void> {
  const { process } = claim;
  if (process === null) return;
  const about = { event: 'migration', host: process.host, pid: process.pid, token: held.token } as const;
  const seen = lookForProcess(process);
  if (seen === 'elsewhere') return events.emit({ ...about, what: 'hook-out-of-sight' });
  if (seen === 'gone') return;
  events.emit({ ...about, what: 'waiting-for-hook' });
  if (await isGone(hookOf(claim.plan.runs[claim.runsDone], hooks).timeout)) return;
  events.emit({ ...about, what: 'killing-hook' });
  killProcess(process);
  if (!(await isGone(KILL_TIME)))
    throw new HookRunsOn(`the hook of an earlier attempt (process ${process.pid}) can't be ended`);

  async function isGone(ms: number): Promise<boolean> {
    const limit = deadline(clock, ms, signal);
    const gone = await waitForProcess(process as ProcessInfo, clock, limit.signal);
    limit.clear();
    if (gone || !signal.aborted) return gone;
    // Whoever took the claim over waits for it as well.
    if (!(signal.reason instanceof ClaimLost)) killProcess(process as ProcessInfo);
    throw signal.reason;
  }
}

/** A release's own hook, or the main one. */
function hookOf(run: Claim['plan']['runs'][number] | undefined, hooks: Hooks): TimedHook {
  return (run && hooks.own.get(run.to)) ?? hooks.main;
}

export function factsOf(
  { cluster, epoch }: LedgerRecord,
  { plan, attempt, token, trigger }: Claim,
  { from, to, fromLevel, toLevel, step }: Claim['plan']['runs'][number],
): HookFacts {
  return {
    cluster,
    from,
    to,
    fromLevel,
    toLevel,
    step,
    steps: plan.steps.length,
    attempt,
    token,
    key: `${cluster}/${epoch}/${fromLevel}-${toLevel}/${to}`,
    client: trigger.client,
  };
}

async function runOne(context: RunContext, record: LedgerRecord, claim: Claim, index: number): Promise<void> {
  const { held, hooks, cluster } = context;
  const run = claim.plan.runs[index] as Claim['plan']['runs'][number];
  const facts = factsOf(record, claim, run);
  if (await isDone(context, facts)) {
    await held.runDone(index, facts.key, false);
    return;
  }
  if (hooks.snapshot) await call(context, hooks.snapshot, facts);
  await held.runStarted(facts.key);
  if (run.script !== null) await call(context, hooks.script(run.script), facts);
  await call(context, hookOf(run, hooks), facts);
  await cluster.refresh(0);
  if (cluster.level !== null && cluster.level < run.toLevel)
    throw new HookError(
      `the hook said that the step to ${run.to} is done, but the servers report level ${cluster.level}, not ${run.toLevel}`,
    );
  await held.runDone(index, facts.key, true);
}

/**
 * Asked before each run: a crash between a hook's success and its record must not run it again. A level says
 * nothing of a run that does not raise it (a release's own hook, a script).
 */
async function isDone(context: RunContext, facts: HookFacts): Promise<boolean> {
  const { cluster, hooks } = context;
  const byLevel = facts.toLevel > facts.fromLevel;
  if (byLevel && cluster.level !== null && cluster.level >= facts.toLevel) return true;
  if (hooks.check === null) return false;
  try {
    await call(context, hooks.check, facts);
    return true;
  } catch (error) {
    if (!(error instanceof HookError) || context.signal.aborted) throw error;
    if (error.said) return false;
    // To run it on a guess might be to run it twice.
    throw new HookError(`nobody can say whether the step to ${facts.to} is done: ${error.message}`);
  }
}

/** Runs a hook until its deadline. @throws {HookError | ClaimLost} */
export async function call(
  { clock, held, signal, onProgress }: Pick<RunContext, 'clock' | 'held' | 'signal' | 'onProgress'>,
  { hook, timeout }: TimedHook,
  facts: HookFacts,
): Promise<void> {
  const limit = new AbortController();
  const stop = () => limit.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  const timer = clock.after(timeout, () => limit.abort(new Error(`deadline of ${timeout / 1_000} s`)));
  const noted = createThrottle(clock, (progress: MigrationProgress) => held.note({ progress }));
  let over = false;
  try {
    await hook.run(facts, {
      signal: limit.signal,
      progress: (progress) => {
        if (over) return;
        onProgress(progress);
        noted(progress);
      },
      started: async (process) => {
        await held.note({ process });
      },
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (limit.signal.aborted)
      throw new HookError(`${hook.name}: ${(limit.signal.reason as Error).message} passed`);
    throw error;
  } finally {
    over = true;
    timer.cancel();
    signal.removeEventListener('abort', stop);
  }
}

const NOTE_EVERY = 1_000;

/** At most one note a second; one that fails is none: progress is not worth failing for. */
function createThrottle<T>(clock: Clock, act: (value: T) => Promise<unknown>): (value: T) => void {
  let busy = false;
  return (value) => {
    if (busy) return;
    busy = true;
    act(value)
      .catch(() => {})
      .then(() => pause(clock, NOTE_EVERY))
      .finally(() => {
        busy = false;
      });
  };
}
