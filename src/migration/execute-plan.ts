/**
 * Executes the plan of an upgrade under a claim: policy again on fresh facts, then run after run, each recorded. Every
 * write is refused once the claim is lost, and the signal that hooks watch aborts then.
 */
import type { Cluster } from '../cluster/cluster.ts';
import type { EventSink } from '../events/fan-out.ts';
import { decide } from '../policy/decide.ts';
import { pause } from '../ports/clock.ts';
import { parseVersion } from '../version/version.ts';
import { agreedLevel } from './agreed-level.ts';
import { type CallContext, callHook, factsOf, type Hooks, hookOf } from './call-hook.ts';
import { HookError, type HookFacts } from './hook/hook.ts';
import type { Claim, LedgerRecord } from './ledger/record.ts';
import type { MigrationSettings } from './migration.ts';
import { awaitOrphan } from './orphan.ts';
import { finishRestore } from './restore.ts';

export interface PlanContext extends CallContext {
  readonly cluster: Cluster;
  readonly settings: MigrationSettings;
  readonly hooks: Hooks;
  readonly events: EventSink;
  /** Resolves when no session is left on any gate, as far as that can be waited for. */
  readonly drain: () => Promise<void>;
}

/** In which a server has to say, after the end of a hook, where the tables are; and between two questions. ms */
const ANSWER_TIME = 10_000;
const ANSWER_PAUSE = 250;

/** How an upgrade under a claim ended without failing. */
export type PlanEnd = { readonly what: 'done' } | { readonly what: 'not-needed'; readonly reason: string };

/** Resolves once the plan is done, or turned out not to be needed. @throws {HookError | ClaimLost} */
export async function executePlan(context: PlanContext): Promise<PlanEnd> {
  const { held } = context;
  const { record: found, claim: taken } = await held.current();
  await awaitOrphan(context, found, taken);
  await finishRestore(context);
  let drained = !taken.plan.downtime;
  for (;;) {
    const { claim } = await held.current();
    const { plan, runsDone } = claim;
    if (plan.runs.length > 0 && runsDone === plan.runs.length) break;
    // Before each run: hooks take long, and the cluster may change meanwhile.
    await context.cluster.refresh(0);
    const record = await recordRegression(context);
    const reason = reasonToSkip(context, record, claim);
    if (reason !== null) return { what: 'not-needed', reason };
    if (drained) await runOne(context, record, claim, runsDone);
    else await context.drain();
    drained = true;
  }
  await held.complete();
  return { what: 'done' };
}

/** A snapshot was restored since the last record: keys of work that was lost with it have to be new ones. */
export async function recordRegression({
  cluster,
  held,
  events,
}: Pick<PlanContext, 'cluster' | 'held' | 'events'>): Promise<LedgerRecord> {
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
  { cluster, settings, clock }: PlanContext,
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
    settings.policy,
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

async function runOne(
  context: PlanContext,
  record: LedgerRecord,
  claim: Claim,
  index: number,
): Promise<void> {
  const { held, hooks } = context;
  const run = claim.plan.runs[index] as Claim['plan']['runs'][number];
  const facts = factsOf(record, claim, run);
  if (await isDone(context, facts)) {
    await held.runDone(index, facts.key, false);
    return;
  }
  if (hooks.snapshot) await callHook(context, hooks.snapshot, facts);
  await held.runStarted(facts.key);
  if (run.script !== null) await callHook(context, hooks.script(ownScript(context, run.script)), facts);
  await callHook(context, hookOf(run, hooks), facts);
  const level = await levelAfter(context, run.toLevel);
  if (level !== null && level < run.toLevel)
    throw new HookError(
      `the hook said that the step to ${run.to} is done, but the servers report level ${level}, not ${run.toLevel}`,
    );
  await held.runDone(index, facts.key, true);
}

/** A plan may come out of the ledger, and who writes there names no program: only the operator's catalogue does. @throws {HookError} */
function ownScript({ settings }: PlanContext, script: string): string {
  const { releases } = settings.policy.catalogue;
  if (releases.some(({ major }) => major?.script === script)) return script;
  throw new HookError(
    `the plan in the ledger names the script ${JSON.stringify(script)}, which the catalogue of this gate does not`,
  );
}

/**
 * Where the servers say that the tables are, once a hook has ended. Those that restart just then are asked until one
 * says it afresh: a level from before is no answer. Null: no server keeps tables.
 */
async function levelAfter({ cluster, clock, signal }: PlanContext, wanted: number): Promise<number | null> {
  for (const until = clock.monotonic() + ANSWER_TIME; ; ) {
    await cluster.refresh(0);
    const { level, servers } = cluster;
    const isFresh = servers.some((server) => server.state !== 'down' && server.level !== null);
    if (level === null || level >= wanted || isFresh) return level;
    if (clock.monotonic() >= until)
      throw new HookError(
        `the hook said that its step is done, but for ${ANSWER_TIME / 1_000} s no server was up to say so`,
      );
    await pause(clock, ANSWER_PAUSE, signal);
    if (signal.aborted) throw signal.reason;
  }
}

/**
 * Asked before each run: a crash between a hook's success and its record must not run it again. A level says
 * nothing of a run that does not raise it (a release's own hook, a script).
 */
async function isDone(context: PlanContext, facts: HookFacts): Promise<boolean> {
  const { cluster, hooks } = context;
  const byLevel = facts.toLevel > facts.fromLevel;
  if (byLevel && cluster.level !== null && cluster.level >= facts.toLevel) return true;
  if (hooks.check === null) return false;
  try {
    await callHook(context, hooks.check, facts);
    return true;
  } catch (error) {
    if (!(error instanceof HookError) || context.signal.aborted) throw error;
    if (error.said) return false;
    // To run it on a guess might be to run it twice.
    throw new HookError(`nobody can say whether the step to ${facts.to} is done: ${error.message}`);
  }
}
