/** What an aborted upgrade left running: it is ended where it can be seen, and the operator learns what became of it. */
import type { LedgerView } from '../migration/ledger/ledger.ts';
import { endOrphan } from '../migration/orphan.ts';
import type { Clock } from '../ports/clock.ts';
import { lookForProcess } from '../process/find-process.ts';

/** A process that an attempt left behind, and what became of it. */
export interface Leftover {
  readonly host: string;
  readonly pid: number;
  readonly state: 'ended' | 'runs-on' | 'elsewhere' | 'restoring';
}

/**
 * Ends the hook of an attempt that is over by now, if it runs on this machine. A restore is left to its end: cut short,
 * it would leave the tables half restored.
 * @returns null: nothing was left running, as far as is known
 */
export async function endLeftover({ record }: LedgerView, clock: Clock): Promise<Leftover | null> {
  const { orphan, restoring, claim } = record;
  // A living gate ends its own hook.
  if (orphan === null || claim !== null) return null;
  const { host, pid } = orphan;
  if (restoring !== null && lookForProcess(orphan) === 'running') return { host, pid, state: 'restoring' };
  const state = await endOrphan(orphan, clock);
  return state === 'gone' ? null : { host, pid, state };
}

/** In a sentence, with what is left to do. */
export function describeLeftover({ host, pid, state }: Leftover): string {
  const what = `process ${pid} on host ${host}`;
  switch (state) {
    case 'ended':
      return `Ended the hook that the last attempt had left running (${what}).`;
    case 'runs-on':
      return `The hook that the last attempt left running (${what}) could not be ended: it runs on.`;
    case 'elsewhere':
      return `The hook of the last attempt (${what}) may still run there: a gate on that host ends it; where none runs, end it by hand (kill -KILL -- -${pid}).`;
    case 'restoring':
      return `A restore still runs (${what}): it is left to its end, and run again before the next attempt.`;
  }
}
