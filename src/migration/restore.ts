/** After a failure: undoes what a hook began, where a hook for that is stated. */
import { callHook, factsOf } from './call-hook.ts';
import type { PlanContext } from './execute-plan.ts';
import { HookRunsOn } from './orphan.ts';

type RestoreContext = Pick<
  PlanContext,
  'held' | 'signal' | 'onProgress' | 'hooks' | 'clock' | 'cluster' | 'events'
>;

/**
 * Runs the hook that restores. What no hook was begun for has nothing to undo, and perhaps no snapshot of its own.
 * @returns what else there is to say of the failure: nothing, unless the restore failed too
 * @throws {ClaimLost} if the claim is lost meanwhile
 */
export async function restore(context: RestoreContext, error: Error): Promise<string> {
  const { hooks, cluster, events, held, signal } = context;
  if (hooks.restore === null || error instanceof HookRunsOn) return '';
  const { record, claim } = await held.current();
  const run = claim.plan.runs[claim.runsDone];
  if (run === undefined || !claim.begun) return '';
  const sessions = cluster.servers.reduce((sum, server) => sum + server.sessions, 0);
  const about = { event: 'migration', token: held.token, sessions } as const;
  const facts = {
    ...factsOf(record, claim, run),
    key: `${record.cluster}/${record.epoch}/restore/${run.fromLevel}`,
  };
  try {
    await callHook(context, hooks.restore, facts);
    const meanwhile = `${sessions} sessions are open on this gate, admitted before or while it ran`;
    await held.restored(`after ${error.message}; ${meanwhile}`);
    events.emit({ ...about, what: 'restored', error: error.message });
    return '';
  } catch (failure) {
    const { message } = failure as Error;
    events.emit({ ...about, what: 'restore-failed', error: message });
    if (signal.aborted) throw signal.reason;
    return `; nor could it be restored: ${message}`;
  }
}
