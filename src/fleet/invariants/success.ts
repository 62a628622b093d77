/** Steps that succeeded: none is counted as failed, and none runs again, whatever became of the servers meanwhile. */
import type { HistoryEntry } from '../../migration/ledger/record.ts';
import { type GroundTruth, isCut, type UpgradeRun } from '../ground-truth.ts';
import { LEDGER } from '../names.ts';
import type { Breach } from './breach.ts';
import type { Evidence } from './evidence.ts';
import { answers, isRunning } from './knowledge.ts';
import { writeOf, writtenBy } from './lost-ledger.ts';

/** In which the answer of a server that lives on has reached the gate that asked, ms. */
const ANSWER = 500;

/** For how long a gate asks at least where the tables are, ms. */
const PATIENCE = 9_000;

/** Executions that began long after the tables had what they were to bring. */
export function ranAgain({ truth, age }: Evidence): Breach[] {
  const done = truth.runs.filter(({ how }) => how === 'completed');
  return truth.runs.flatMap(({ how, from, level, server, token }) => {
    if (how !== 'idle' || level === null) return [];
    const before = done.find((run) => (run.level ?? 0) >= level && (run.end as number) < from - age);
    const gate = giverOf(token, truth);
    if (before === undefined || !truth.between(from - age, from).every((state) => isRunning(state, gate)))
      return [];
    const since = (from - (before.end as number)) / 1_000;
    return [{ at: from, what: `${server} ran a step to level ${level} that was done ${since} s before` }];
  });
}

/** Attempts whose step was done, whose gate was told so, and which were recorded as failed all the same. */
export function countedAsFailed(evidence: Evidence): Breach[] {
  const { truth, history } = evidence;
  return history.flatMap((entry) => {
    const { what, at, token = 0, error } = entry;
    const write = writeOf(entry, truth);
    if (what !== 'failed' || (write && !writtenBy(token, write, truth))) return [];
    const run = truth.runs.findLast((one) => one.token === token && one.from < at);
    const end = run?.end ?? at;
    if (run === undefined || (run.how !== 'completed' && run.how !== 'idle')) return [];
    // It is another step that failed then.
    const kept = (one: HistoryEntry) => one.what === 'step-done' && one.toLevel === run.level;
    if (history.some((one) => kept(one) && one.token === token && one.at <= at)) return [];
    // An operator may have ended it, and the loss of the ledger does.
    const ended = history.some((one) => one.what === 'aborted' && one.at >= run.from && one.at <= at);
    if (ended || truth.losses.some((loss) => loss.at >= run.from && loss.at <= at)) return [];
    if (!wasTold(run, end, at, truth) || !couldAsk(giverOf(token, truth), end, at, evidence)) return [];
    return [{ at, what: `the step under token ${token} was done, and counted as failed: ${error}` }];
  });
}

/** Whether the gate must have got the server's word that the step is done, and could record it. */
function wasTold({ server, token }: UpgradeRun, end: number, at: number, truth: GroundTruth): boolean {
  const gate = giverOf(token, truth);
  return (
    truth.between(end, end + ANSWER).every((state) => answers(state, gate, server)) &&
    truth.between(end, at).every((state) => isRunning(state, gate) && !isCut(state, gate, LEDGER))
  );
}

/** Whether the gate gave up too soon, or a server was there for long enough to be asked where the tables are. */
function couldAsk(gate: string, from: number, to: number, { truth, age }: Evidence): boolean {
  if (to - from < PATIENCE) return true;
  const servers = truth.at(from).servers;
  return servers.some(({ id }) => {
    let since: number | null = null;
    for (const state of truth.between(from, to)) {
      since = answers(state, gate, id) ? (since ?? Math.max(from, state.at)) : null;
      if (since !== null && to - since >= age) return true;
    }
    return false;
  });
}

function giverOf(token: number, { grants }: GroundTruth): string {
  return grants.findLast((grant) => grant.token === token)?.gate ?? '';
}
