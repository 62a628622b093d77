/** What clients were told, against what is on record; and whether they were told anything at all. */
import type { SessionEndRecord } from '../../decision/record.ts';
import type { TrueState, Visit } from '../chronicle.ts';
import type { Breach } from '../invariants.ts';
import type { Decided, Evidence } from './evidence.ts';

export function unanswered({ chronicle, age }: Evidence): Breach[] {
  const stop = chronicle.stoppedAt ?? Number.POSITIVE_INFINITY;
  return chronicle.visits.flatMap(({ client, from, end, told }) => {
    if (told?.kind !== 'lost' || end === null || end >= stop) return [];
    const states = chronicle.between(from, end);
    const gate = states[0]?.gates.find(({ id }) => states.every((state) => serves(state, id, from - age)));
    const what = `${client} was not answered, and ${gate?.id} ran all the time: ${told.error}`;
    return gate === undefined ? [] : [{ at: end, what }];
  });
}

/** Whether a gate takes clients: one that has just begun does not listen yet. */
function serves({ gates }: TrueState, gate: string, since: number): boolean {
  const found = gates.find(({ id }) => id === gate);
  return found?.since != null && found.since <= since && !found.draining && !found.paused;
}

export function notOnRecord(evidence: Evidence): Breach[] {
  const { chronicle, decided } = evidence;
  const own = Map.groupBy(decided, ({ record }) => record.peer.replace(/:\d+$/, ''));
  const untold = chronicle.visits.flatMap((visit) => {
    const { client, from, end, told } = visit;
    if (told === null || told.kind === 'lost' || end === null) return [];
    const written = (own.get(client) ?? []).filter(({ at }) => at >= from && at <= end);
    if (written.some((decision) => tells(decision, visit))) return [];
    const how = told.kind === 'admitted' ? 'admitted' : `refused with ${told.code}`;
    return [{ at: end, what: `${client} was ${how}, and that is not on record` }];
  });
  return [...untold, ...falselyGone(evidence)];
}

function tells({ record }: Decided, { told }: Visit): boolean {
  if (told?.kind === 'admitted') return record.verdict === 'permit' && record.session === told.session;
  if (told?.kind !== 'refused') return false;
  const { code, retry, move } = told;
  const same = record.move?.side === move?.side && record.move?.to === move?.to;
  return record.verdict === 'refuse' && record.code === code && record.retry === retry && same;
}

/** Sessions that a gate says their clients ended, and they had not. */
function falselyGone({ chronicle }: Evidence): Breach[] {
  const visits = new Map(
    chronicle.visits.flatMap((visit) =>
      visit.told?.kind === 'admitted' ? [[visit.told.session, visit] as const] : [],
    ),
  );
  return chronicle.records.flatMap(({ at, record }) => {
    if (record.event !== 'session-end' || !BY_CLIENT.has(record.reason)) return [];
    const visit = visits.get(record.session);
    if (visit === undefined || (visit.closed !== null && visit.closed <= at)) return [];
    const what = `a session of ${visit.client} ended as ${record.reason}, and its client was there`;
    return [{ at, what }];
  });
}

const BY_CLIENT: ReadonlySet<SessionEndRecord['reason']> = new Set(['client-gone', 'both-ended']);
