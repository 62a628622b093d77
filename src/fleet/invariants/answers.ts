/** Compares what clients were told with what is on record, and checks that they were told anything at all. */
import type { SessionEndRecord } from '../../decision/record.ts';
import type { ClientAttempt, TrueState } from '../ground-truth.ts';
import type { Breach } from './breach.ts';
import type { Evidence, GateDecision } from './evidence.ts';

/** Attempts that no gate answered though one ran all the time. */
export function unanswered({ truth, age }: Evidence): Breach[] {
  const stop = truth.stoppedAt ?? Number.POSITIVE_INFINITY;
  return truth.attempts.flatMap(({ client, from, end, outcome }) => {
    if (outcome?.kind !== 'lost' || end === null || end >= stop) return [];
    const states = truth.between(from, end);
    const gate = states[0]?.gates.find(({ id }) => states.every((state) => serves(state, id, from - age)));
    const what = `${client} was not answered, and ${gate?.id} ran all the time: ${outcome.error}`;
    return gate === undefined ? [] : [{ at: end, what }];
  });
}

/** Whether a gate takes clients: one that has just begun does not listen yet. */
function serves({ gates }: TrueState, gate: string, since: number): boolean {
  const found = gates.find(({ id }) => id === gate);
  return found?.since != null && found.since <= since && !found.draining && !found.paused;
}

/** Outcomes that are not on record, and ends of sessions that are recorded wrongly. */
export function notOnRecord(evidence: Evidence): Breach[] {
  const { truth, decided } = evidence;
  const own = Map.groupBy(decided, ({ record }) => record.peer.replace(/:\d+$/, ''));
  const untold = truth.attempts.flatMap((attempt) => {
    const { client, from, end, outcome } = attempt;
    if (outcome === null || outcome.kind === 'lost' || end === null) return [];
    const written = (own.get(client) ?? []).filter(({ at }) => at >= from && at <= end);
    if (written.some((decision) => tells(decision, attempt))) return [];
    const how = outcome.kind === 'admitted' ? 'admitted' : `refused with ${outcome.code}`;
    return [{ at: end, what: `${client} was ${how}, and that is not on record` }];
  });
  return [...untold, ...falselyGone(evidence)];
}

function tells({ record }: GateDecision, { outcome }: ClientAttempt): boolean {
  if (outcome?.kind === 'admitted') return record.verdict === 'permit' && record.session === outcome.session;
  if (outcome?.kind !== 'refused') return false;
  const { code, retry, move } = outcome;
  const same = record.move?.side === move?.side && record.move?.to === move?.to;
  return record.verdict === 'refuse' && record.code === code && record.retry === retry && same;
}

/** Sessions that, according to their gate, the client ended, although it had not. */
function falselyGone({ truth }: Evidence): Breach[] {
  const admitted = new Map(
    truth.attempts.flatMap((attempt) =>
      attempt.outcome?.kind === 'admitted' ? [[attempt.outcome.session, attempt] as const] : [],
    ),
  );
  return truth.records.flatMap(({ at, record }) => {
    if (record.event !== 'session-end' || !BY_CLIENT.has(record.reason)) return [];
    const attempt = admitted.get(record.session);
    if (attempt === undefined || (attempt.closed !== null && attempt.closed <= at)) return [];
    const what = `a session of ${attempt.client} ended as ${record.reason}, and its client was there`;
    return [{ at, what }];
  });
}

const BY_CLIENT: ReadonlySet<SessionEndRecord['reason']> = new Set(['client-gone', 'both-ended']);
