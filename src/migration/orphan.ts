/** What an earlier attempt may have left running on this host: it is waited for, and ended at its deadline. */
import type { EventSink } from '../events/fan-out.ts';
import { deadline } from '../ports/clock.ts';
import { killProcess, lookForProcess, type ProcessInfo, waitForProcess } from '../process/find-process.ts';
import { type CallContext, type Hooks, hookOf } from './call-hook.ts';
import { HookError } from './hook/hook.ts';
import { ClaimLost } from './ledger/ledger.ts';
import type { Claim } from './ledger/record.ts';

/** ms that a killed process gets to be gone. */
const KILL_TIME = 5_000;

/** What an earlier attempt began still runs: nothing may be done beside it. */
export class HookRunsOn extends HookError {}

type OrphanContext = Pick<CallContext, 'clock' | 'signal' | 'held'> & {
  readonly hooks: Hooks;
  readonly events: EventSink;
};

/** A command of a gate that died may still run: it is waited for, and killed at its deadline. @throws {HookRunsOn | ClaimLost} */
export async function awaitOrphan(
  { clock, hooks, events, signal, held }: OrphanContext,
  claim: Claim,
): Promise<void> {
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
