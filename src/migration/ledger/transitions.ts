/**
 * The only ways in which a ledger's record changes: pure functions from a record to the next record and the history
 * entries that go with it. Stores do nothing but keep records (store.ts).
 */
import {
  activeBlock,
  type Claim,
  type HistoryEntry,
  type LedgerRecord,
  MAX_TOKEN,
  type Restoring,
  type TriggerInfo,
} from './record.ts';

export interface Change {
  readonly record: LedgerRecord;
  readonly history: readonly HistoryEntry[];
}

/** `given-up`: an abandoned claim was not taken over but ended. */
export type Denied = 'held' | 'blocked' | 'doubted' | 'failed' | 'given-up' | 'nothing-to-do';

export interface ClaimRequest {
  readonly owner: string;
  readonly plan: Claim['plan'];
  readonly checksum: string;
  readonly trigger: TriggerInfo;
  /** A token that a server has seen: ours has to be higher. */
  readonly above: number;
  /** After how many attempts an abandoned claim is not taken over: what it ran may be what ends its gates. */
  readonly attempts: number;
}

/** A gate that is killed once is no reason to stop. */
const MIN_ATTEMPTS = 2;

/** Whether a claim can have this token: one beyond the limit is no number of its own to every reader. */
function isToken(token: number): boolean {
  return token <= MAX_TOKEN;
}

/**
 * Takes the claim, or says why not. A claim whose lease lapsed is taken over, and its plan continued after the
 * last completed run where it still leads to the same level; or it is ended, and then the next record has none.
 */
export function claim(
  record: LedgerRecord,
  request: ClaimRequest,
  leaseAlive: boolean,
  now: number,
): Change | Denied {
  if (activeBlock(record, now) !== null) return 'blocked';
  if (record.doubt !== null) return 'doubted';
  if (record.claim !== null && leaseAlive) return 'held';
  if (record.failure?.retryAt === null || (record.failure && record.failure.retryAt > now)) return 'failed';
  // An abandoned claim is taken over even when nothing is left to do: it has to be ended.
  if (request.plan.runs.length === 0 && record.claim === null) return 'nothing-to-do';
  const { owner, trigger } = request;
  const token = Math.max(record.token, request.above) + 1;
  if (!isToken(token)) return 'failed';
  const before = record.claim;
  if (before !== null && isHopeless(before, request.attempts)) return abandoned(record, before, owner, now);
  const continued = before !== null && continues(record, before, request.plan) ? before : null;
  const { plan, checksum } = continued ?? request;
  const next: Claim = {
    owner,
    token,
    attempt: (before?.attempt ?? record.failure?.attempts ?? 0) + 1,
    plan,
    checksum,
    runsDone: continued?.runsDone ?? 0,
    begun: continued?.begun ?? false,
    trigger,
    since: now,
    progress: null,
    process: before?.process ?? record.orphan,
    abort: before?.abort ?? null,
  };
  const about = aboutClaim(next);
  const history: HistoryEntry[] = [
    ...(before === null
      ? []
      : [{ what: 'taken-over', at: now, ...about, reason: `the lease of ${before.owner} lapsed` } as const]),
    {
      what: 'planned',
      at: now,
      ...about,
      from: plan.steps[0]?.from ?? null,
      fromLevel: plan.steps[0]?.fromLevel ?? null,
    },
  ];
  const start = {
    level: record.level ?? plan.steps[0]?.fromLevel ?? null,
    release: record.release ?? plan.steps[0]?.from ?? null,
  };
  return { record: { ...record, ...start, token, claim: next, orphan: null, seen: [] }, history };
}

/** With nothing left to run it harms nobody to end it as it should. */
function isHopeless({ attempt, plan, runsDone }: Claim, attempts: number): boolean {
  return runsDone < plan.runs.length && attempt >= Math.max(attempts, MIN_ATTEMPTS);
}

/** @param by who noticed: where that is the holder itself, its gate lives */
function abandoned(record: LedgerRecord, before: Claim, by: string, now: number): Change {
  const { attempt, owner, token } = before;
  const why =
    by === owner
      ? `attempt ${attempt} lost its claim: its gate, ${owner}, was cut off from the ledger, or stalled for longer than the lease of token ${token}`
      : `attempt ${attempt} ended with its gate, ${owner} (killed, cut off from the ledger, or stalled for longer than the lease of token ${token})`;
  return failed(record, before, why, null, now);
}

/** Whether an abandoned claim's plan still leads from where the tables are to where they have to be. */
function continues(record: LedgerRecord, before: Claim, wanted: Claim['plan']): boolean {
  const done = stepsDone(before);
  const reached = done === 0 ? before.plan.steps[0]?.fromLevel : before.plan.steps[done - 1]?.level;
  const target = wanted.steps.at(-1)?.level;
  return reached === record.level && (target === undefined || target === before.plan.steps.at(-1)?.level);
}

/** What every line of history about a claim says of it. */
export function aboutClaim(claim: Claim): Partial<HistoryEntry> & { token: number } {
  const { owner, token, attempt, plan, checksum, trigger } = claim;
  const last = plan.steps.at(-1);
  return {
    owner,
    token,
    attempt,
    checksum,
    trigger,
    steps: plan.steps.length,
    stepsDone: stepsDone(claim),
    ...(last && { to: last.to, toLevel: last.level }),
  };
}

/** Steps all of whose runs are completed. */
export function stepsDone({ plan, runsDone }: Pick<Claim, 'plan' | 'runsDone'>): number {
  return runsDone === plan.runs.length ? plan.steps.length : (plan.runs[runsDone]?.step ?? 1) - 1;
}

/** A hook is about to run. */
export function runStarted(record: LedgerRecord, held: Claim, key: string, now: number): Change {
  const run = held.plan.runs[held.runsDone] as Claim['plan']['runs'][number];
  return {
    record: { ...record, claim: { ...held, begun: true, progress: null, process: null } },
    history: [
      {
        what: 'running',
        at: now,
        ...aboutClaim(held),
        step: run.step,
        from: run.from,
        to: run.to,
        fromLevel: run.fromLevel,
        toLevel: run.toLevel,
        key,
      },
    ],
  };
}

/** @param ran false: no hook was run, since the facts showed that it is done. */
export function runDone(record: LedgerRecord, held: Claim, key: string, ran: boolean, now: number): Change {
  const run = held.plan.runs[held.runsDone] as Claim['plan']['runs'][number];
  const next: Claim = { ...held, runsDone: held.runsDone + 1, begun: false, progress: null, process: null };
  const step = held.plan.steps[run.step - 1] as Claim['plan']['steps'][number];
  const whole = stepsDone(next) >= run.step;
  return {
    record: {
      ...record,
      claim: next,
      ...(whole && { level: step.level, release: step.to, releaseKnown: true }),
    },
    history: whole
      ? [
          {
            what: 'step-done',
            at: now,
            ...aboutClaim(next),
            step: run.step,
            from: step.from,
            to: step.to,
            fromLevel: step.fromLevel,
            toLevel: step.level,
            key,
            ran,
          },
        ]
      : [],
  };
}

/** All steps are done. @throws if they are not. */
export function completed(record: LedgerRecord, held: Claim, now: number): Change {
  if (held.runsDone < held.plan.runs.length)
    throw new Error('an upgrade was called complete before its last step');
  return {
    record: { ...record, claim: null, failure: null, approval: null },
    history: [
      {
        what: 'done',
        at: now,
        ...aboutClaim(held),
        ...(held.abort !== null && {
          note: `the abort by ${held.abort.by} came after the last step was complete`,
        }),
      },
    ],
  };
}

/** Of an error: clients are told, who take no longer sentence. */
const MAX_ERROR = 1_500;

/**
 * An attempt failed.
 * @param retryAt null: not again until an operator acts.
 * @param aborted it was an operator who ended it
 */
export function failed(
  record: LedgerRecord,
  held: Claim,
  why: string,
  retryAt: number | null,
  now: number,
  aborted = false,
): Change {
  const error = why.length > MAX_ERROR ? `${why.slice(0, MAX_ERROR)}…` : why;
  const toLevel = held.plan.steps.at(-1)?.level ?? 0;
  return {
    record: {
      ...record,
      claim: null,
      orphan: held.process,
      failure: { error, attempts: held.attempt, at: now, retryAt, toLevel, aborted },
    },
    history: [{ what: 'failed', at: now, ...aboutClaim(held), error }],
  };
}

/** What a hook did is about to be undone. */
export function restoreStarted(record: LedgerRecord, held: Claim, restoring: Restoring, now: number): Change {
  return {
    record: { ...record, restoring, claim: { ...held, progress: null, process: null } },
    history: [
      { what: 'restoring', at: now, ...aboutClaim(held), key: restoring.key, reason: restoring.error },
    ],
  };
}

/** What a hook did is undone, so that none is begun any more. */
export function restored(record: LedgerRecord, held: Claim, reason: string, now: number): Change {
  const claim = { ...held, begun: false, progress: null, process: null };
  return {
    record: { ...record, restoring: null, claim },
    history: [{ what: 'restored', at: now, token: held.token, reason }],
  };
}

/** The holder stopped because of an abort; where an operator took that back meanwhile it is no failure. */
export function stopped(record: LedgerRecord, held: Claim, why: string, now: number): Change {
  return held.abort === null
    ? released(record, held, `${why}; the abort was taken back by a retry`, now)
    : failed(record, held, why, null, now, true);
}

/** Given back without a failure: not needed any more, or the gate stops. */
export function released(record: LedgerRecord, held: Claim, reason: string, now: number): Change {
  return {
    record: { ...record, claim: null, orphan: held.process },
    history: [{ what: 'released', at: now, ...aboutClaim(held), reason }],
  };
}

/** The servers report another level than the record: the record follows the facts. Null: it agrees. */
export function observed(
  record: LedgerRecord,
  level: number,
  release: string | null,
  owner: string,
  now: number,
): Change | null {
  if (record.level === level) return null;
  // Tables that are half restored say nothing of where they are, but for how far back they went.
  if (record.restoring !== null && level > (record.level ?? 0)) return null;
  const back = record.level !== null && level < record.level;
  return {
    record: {
      ...record,
      level,
      release,
      releaseKnown: false,
      ...(back && { epoch: record.epoch + 1 }),
      ...((back || (record.failure !== null && level >= record.failure.toLevel)) && { failure: null }),
      // What was approved has been done by other means: that is no word about what comes next.
      ...(record.level !== null && !back && { approval: null }),
    },
    history: [
      {
        what: back ? 'level-went-back' : 'level-observed',
        at: now,
        owner,
        fromLevel: record.level,
        toLevel: level,
        ...(back && {
          reason: 'the servers report a lower level than the ledger: the next newer client upgrades again',
        }),
      },
    ],
  };
}
