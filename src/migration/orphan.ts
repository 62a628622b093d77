/** What an earlier attempt may have left running on this host: it is waited for, and ended at its deadline. */
import type { EventSink } from '../events/fan-out.ts';
import { type Clock, deadline } from '../ports/clock.ts';
import { killProcess, lookForProcess, type ProcessInfo, waitForProcess } from '../process/find-process.ts';
import { type CallContext, type Hooks, hookOf } from './call-hook.ts';
import { HookError } from './hook/hook.ts';
import { ClaimLost } from './ledger/held-claim.ts';
import type { Claim, LedgerRecord } from './ledger/record.ts';

/** ms that a killed process gets to be gone. */
const KILL_TIME = 5_000;

/** How an operator finds it. */
export const describe = ({ pid, host }: ProcessInfo) => `process ${pid} on host ${host}`;

/** What an earlier attempt began still runs: nothing may be done beside it. */
export class HookRunsOn extends HookError {}

type OrphanContext = Pick<CallContext, 'clock' | 'signal' | 'held'> & {
  readonly hooks: Hooks;
  readonly events: EventSink;
};

/** A command of a gate that died may still run: it is waited for, and killed at its deadline. @throws {HookRunsOn | ClaimLost} */
export async function awaitOrphan(
  { clock, hooks, events, signal, held }: OrphanContext,
  { restoring }: LedgerRecord,
  claim: Claim,
): Promise<void> {
  const { process } = claim;
  if (process === null) return;
  const about = { event: 'migration', host: process.host, pid: process.pid, token: held.token } as const;
  const seen = lookForProcess(process);
  if (seen === 'elsewhere') return events.emit({ ...about, what: 'hook-out-of-sight' });
  if (seen === 'gone') return;
  events.emit({ ...about, what: 'waiting-for-hook' });
  await held.note({
    progress: { done: null, text: `waiting for ${describe(process)}, which an earlier attempt left running` },
  });
  const left = (restoring && hooks.restore) ?? hookOf(claim.plan.runs[claim.runsDone], hooks);
  if (await isGone(left.timeout)) return held.note({ progress: null });
  events.emit({ ...about, what: 'killing-hook' });
  killProcess(process);
  await held.note({ progress: null });
  if (!(await isGone(KILL_TIME)))
    throw new HookRunsOn(`the hook of an earlier attempt (${describe(process)}) can't be ended`);

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

/**
 * Ends what an aborted attempt left running on this host, stopped or not.
 * @returns `gone`: there is nothing left to end. `elsewhere`: it ran on another host, and can't be seen from here.
 */
export async function endOrphan(
  process: ProcessInfo,
  clock: Clock,
): Promise<'gone' | 'ended' | 'runs-on' | 'elsewhere'> {
  const seen = lookForProcess(process);
  if (seen !== 'running') return seen;
  killProcess(process);
  const limit = deadline(clock, KILL_TIME);
  const gone = await waitForProcess(process, clock, limit.signal);
  limit.clear();
  return gone ? 'ended' : 'runs-on';
}
