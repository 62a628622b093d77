/** Service that was denied though it could have been given: sessions that ended, clients that were refused. */
import type { SessionEndRecord } from '../../decision/record.ts';
import type { LedgerRecord } from '../../migration/ledger/record.ts';
import type { Code } from '../../policy/codes.ts';
import { decide } from '../../policy/decide.ts';
import type { ServerFacts } from '../../policy/types.ts';
import { LEDGER } from '../check.ts';
import { isCut, type TrueState } from '../chronicle.ts';
import type { Breach } from '../invariants.ts';
import { clientOf, clusterOf } from './admitted.ts';
import { type Decided, decidedAs, type Evidence } from './evidence.ts';
import { answers, knownTo, sinceOf, viewsOf } from './known.ts';

export function droppedSession(evidence: Evidence): Breach[] {
  const { chronicle } = evidence;
  const end = chronicle.stoppedAt ?? Number.POSITIVE_INFINITY;
  return chronicle.records.flatMap(({ gate, at, record }) => {
    if (record.event !== 'session-end' || at >= end) return [];
    const why = withoutCause(record, gate, at, evidence);
    return why === null
      ? []
      : [{ at, what: `a session of ${record.client} on ${record.server} ended: ${why}` }];
  });
}

/** Why nothing that happened explains this end; null: something does. */
function withoutCause(
  { reason, server, client, ms }: SessionEndRecord,
  gate: string,
  at: number,
  { chronicle, policy, age, scenario }: Evidence,
): string | null {
  // Its connection to the server is older than the session.
  const states = chronicle.between(at - ms - scenario.timeouts.dial, at);
  switch (reason) {
    case 'server-gone':
      return states.every((state) => isUp(state, server) && !isCut(state, gate, server))
        ? 'its server is said to be gone, and was up all the time'
        : null;
    case 'gate-stopped':
      return states.some((state) => isGoing(state, gate))
        ? null
        : 'its gate is said to have stopped, and had not';
    case 'lockstep':
    case 'downtime': {
      const code = reason === 'lockstep' ? 'LOCKSTEP' : 'DOWNTIME_REQUIRED';
      const given = chronicle.between(at - age, at).some((state) => {
        const facts = clusterOf(serversOf(state, gate), state, scenario.migration.hold.everyone);
        return decide(clientOf(client), facts, policy, at).code === code;
      });
      return given ? null : `the policy does not say ${code}`;
    }
    default:
      return null;
  }
}

function isUp({ servers }: TrueState, server: string): boolean {
  return servers.some(({ id, state }) => id === server && state !== 'down');
}

function isGoing({ gates }: TrueState, gate: string): boolean {
  return gates.some(({ id, going }) => id === gate && going);
}

/** What has to have been so for a refusal that the policy's verdict alone does not explain. */
const GROUNDS: Partial<
  Record<Code, (state: TrueState, record: LedgerRecord | null, gate: string) => boolean>
> = {
  UPGRADE_BLOCKED: (_state, record) => record?.block != null,
  UPGRADE_FAILED: (_state, record) => record?.failure != null,
  UPGRADE_IN_PROGRESS: (_state, record) => record?.claim != null,
  DRAINING: (state, _record, gate) => isGoing(state, gate),
  LEDGER_UNAVAILABLE: (state, _record, gate) => isCut(state, gate, LEDGER),
};

export function groundlessRefusal(evidence: Evidence): Breach[] {
  const { chronicle, age } = evidence;
  return decidedAs(evidence, 'refuse').flatMap((refusal) => {
    const { record, at, gate } = refusal;
    // What a gate knew in its first moments is what it asked at its start.
    if (record.client === null || at - sinceOf(chronicle, gate, at) < age) return [];
    const ground = GROUNDS[record.code];
    const waited = chronicle.between(at - age - record.phases.total, at);
    const grounded = ground === undefined || waited.some((state) => ground(state, state.record, gate));
    const what = `client ${record.client} was refused by ${gate} with ${record.code}`;
    if (!grounded) return [{ at, what: `${what}, for which there was no reason` }];
    if (record.code === 'DRAINING') return [];
    return chronicle.between(at - age, at).every((state) => wouldAdmit(refusal, state, evidence))
      ? [{ at, what: `${what}, and the policy would have admitted it all the time` }]
      : [];
  });
}

/** Whether the policy admits this client in this state, whatever the gate can have known. */
function wouldAdmit({ record, gate, at }: Decided, state: TrueState, evidence: Evidence): boolean {
  const { policy, scenario } = evidence;
  const lost = isCut(state, gate, LEDGER) ? loss(state, gate, evidence) : null;
  if (record.code === 'LEDGER_UNAVAILABLE' && lost?.stale) return false;
  const client = clientOf(record.client as string);
  const states = new Map(serversOf(state, gate).map((server) => [server.id, server.state]));
  const views = viewsOf(knownTo(gate, at, evidence), (id) => states.get(id) ?? 'down');
  return [state.record, ...(lost?.records ?? [])].every((ledger) =>
    views.every((servers) => {
      const facts = clusterOf(servers, { ...state, record: ledger }, scenario.migration.hold.everyone);
      return decide(client, facts, policy, at).verdict === 'permit';
    }),
  );
}

/** What a gate that is cut off from the ledger may have read last, and whether that is too old to go by. */
function loss(state: TrueState, gate: string, { chronicle, scenario, age }: Evidence) {
  const { states } = chronicle;
  const place = states.indexOf(state);
  const before = states.findLastIndex((other, at) => at < place && !isCut(other, gate, LEDGER));
  const from = states[before + 1]?.at ?? 0;
  const since = state.gates.find(({ id }) => id === gate)?.since ?? 0;
  const end = states[place + 1]?.at ?? Number.POSITIVE_INFINITY;
  const { migration, timeouts } = scenario;
  return {
    records: chronicle.between(from - age, from).map(({ record }) => record),
    stale: since >= from || end - from >= migration.grace - timeouts.probe,
  };
}

/** The servers as a gate would find them if it asked. */
function serversOf(state: TrueState, gate: string): ServerFacts[] {
  return state.servers.map(({ id, version, state: own }) => ({
    id,
    version,
    state: answers(state, gate, id) ? own : 'down',
  }));
}
