/**
 * After a failure: undoes what a hook began, where a hook for that is stated. That it began is on record, since tables
 * which are half restored are nothing to run a step on: whoever holds the claim next restores them first.
 */
import { callHook, factsOf } from './call-hook.ts';
import type { PlanContext } from './execute-plan.ts';
import { HookError } from './hook/hook.ts';
import type { Restoring } from './ledger/record.ts';
import { HookRunsOn } from './orphan.ts';
import { NOTHING_TO_RESTORE_WITH } from './upgrade-status.ts';

type RestoreContext = Pick<
  PlanContext,
  'held' | 'signal' | 'onProgress' | 'hooks' | 'clock' | 'cluster' | 'events'
>;

/** What an earlier attempt left half restored could not be restored: nothing may be done on top of it. */
class NotRestored extends HookError {}

/**
 * Runs the hook that restores. What no hook was begun for has nothing to undo, and perhaps no snapshot of its own.
 * @returns what else there is to say of the failure: nothing, unless the restore failed too
 * @throws {ClaimLost} if the claim is lost meanwhile
 */
export async function restore(context: RestoreContext, error: Error): Promise<string> {
  if (context.hooks.restore === null || error instanceof HookRunsOn || error instanceof NotRestored)
    return '';
  const { record, claim } = await context.held.current();
  const run = claim.plan.runs[claim.runsDone];
  const begun =
    run === undefined || !claim.begun
      ? null
      : {
          key: `${record.cluster}/${record.epoch}/restore/${run.fromLevel}`,
          run,
          steps: claim.plan.steps.length,
          error: error.message,
        };
  const restoring = record.restoring ?? begun;
  if (restoring === null) return '';
  const failure = await runRestore(context, restoring);
  return failure === null ? '' : `; nor could it be restored: ${failure}`;
}

/**
 * Runs a restore again that began under an earlier claim and is not known to have ended well.
 * @throws {HookError} if the tables are not restored
 * @throws {ClaimLost}
 */
export async function finishRestore(context: RestoreContext): Promise<void> {
  const { restoring } = (await context.held.current()).record;
  if (restoring === null) return;
  const left = 'an earlier attempt left the tables half restored';
  if (context.hooks.restore === null)
    throw new NotRestored(
      `${left}, and this gate has no hook for it: ${NOTHING_TO_RESTORE_WITH.missing.remedy}`,
    );
  const failure = await runRestore(context, restoring);
  if (failure !== null) throw new NotRestored(`${left}, and could not restore them: ${failure}`);
}

/** @returns why it failed; null: it is done, and on record */
async function runRestore(context: RestoreContext, restoring: Restoring): Promise<string | null> {
  const { hooks, cluster, events, held, signal } = context;
  const { key, run, steps, error } = restoring;
  const sessions = cluster.servers.reduce((sum, server) => sum + server.sessions, 0);
  const about = { event: 'migration', token: held.token, sessions } as const;
  await held.restoreStarted(restoring);
  const { record, claim } = await held.current();
  const facts = { ...factsOf(record, claim, run), steps, key };
  try {
    await callHook(context, hooks.restore as NonNullable<typeof hooks.restore>, facts);
    const meanwhile = `${sessions} sessions are open on this gate, admitted before or while it ran`;
    await held.restored(`after ${error}; ${meanwhile}`);
    events.emit({ ...about, what: 'restored', error });
    return null;
  } catch (failure) {
    const { message } = failure as Error;
    events.emit({ ...about, what: 'restore-failed', error: message });
    if (signal.aborted) throw signal.reason;
    return message;
  }
}
