/** Sessions: none ends without a cause, and none goes on that an upgrade has to end. */
import type { SessionEndRecord } from '../../decision/record.ts';
import type { Code } from '../../policy/codes.ts';
import { decide } from '../../policy/decide.ts';
import { isCut, type TrueState } from '../ground-truth.ts';
import { LEDGER } from '../names.ts';
import { clientOf, clusterOf } from './admitted.ts';
import type { Breach } from './breach.ts';
import { decidedAs, type Evidence, HEED } from './evidence.ts';
import { isDraining, isRunning, serversOf, sinceOf } from './knowledge.ts';

/** Sessions that ended although nothing that happened explains it. */
export function droppedSession(evidence: Evidence): Breach[] {
  const { truth } = evidence;
  const end = truth.stoppedAt ?? Number.POSITIVE_INFINITY;
  return truth.records.flatMap(({ gate, at, record }) => {
    if (record.event !== 'session-end' || at >= end) return [];
    const why = withoutCause(record, gate, at, evidence);
    return why === null
      ? []
      : [{ at, what: `a session of ${record.client} on ${record.server} ended: ${why}` }];
  });
}

/** Why nothing that happened explains this end; null: something does. */
function withoutCause(
  { reason, server, client, durationMs: ms }: SessionEndRecord,
  gate: string,
  at: number,
  evidence: Evidence,
): string | null {
  const { truth, age, scenario } = evidence;
  // Its connection to the server is older than the session.
  const states = truth.between(at - ms - scenario.timeouts.dial, at);
  switch (reason) {
    case 'server-gone':
      return states.every((state) => isUp(state, server) && !isCut(state, gate, server))
        ? 'its server is said to be gone, and was up all the time'
        : null;
    case 'gate-stopped':
      return states.some((state) => isDraining(state, gate))
        ? null
        : 'its gate is said to have stopped, and had not';
    case 'lockstep':
    case 'downtime': {
      const given = truth
        .between(at - age, at)
        .some((state) => endsFor(client, state, gate, at, evidence) === ENDS[reason]);
      return given ? null : `the policy does not say ${ENDS[reason]}`;
    }
    default:
      return null;
  }
}

const ENDS = { lockstep: 'LOCKSTEP', downtime: 'DOWNTIME_REQUIRED' } as const;

function isUp({ servers }: TrueState, server: string): boolean {
  return servers.some(({ id, state }) => id === server && state !== 'down');
}

/** The code for which a session of this client has to end, if it has to. */
function endsFor(
  client: string,
  state: TrueState,
  gate: string,
  at: number,
  { policy, scenario }: Evidence,
): Code | null {
  const facts = clusterOf(serversOf(state, gate), state, scenario.migration.hold.everyone);
  const { code } = decide(clientOf(client), facts, policy, at);
  return Object.values<Code>(ENDS).includes(code) ? code : null;
}

/** Sessions that went on for longer than it takes a gate to heed that the upgrade has to end them. */
export function overstayed(evidence: Evidence): Breach[] {
  const { truth, age } = evidence;
  const ends = new Map(
    truth.records.flatMap(({ at, record }) =>
      record.event === 'session-end' ? [[record.session, at] as const] : [],
    ),
  );
  const codes = new Map<string, Code | null>();
  return decidedAs(evidence, 'permit').flatMap(({ record, at, gate }) => {
    const end = ends.get(record.session as string) ?? truth.stoppedAt ?? at;
    const since = sinceOf(truth, gate, at);
    let from: number | null = null;
    for (const [place, state] of truth.states.entries()) {
      const [begin, over] = [Math.max(state.at, at), Math.min(truth.states[place + 1]?.at ?? end, end)];
      if (begin > over) continue;
      // It dies with its gate.
      if (state.gates.find(({ id }) => id === gate)?.since !== since) break;
      const key = `${place} ${gate} ${record.client}`;
      const known = codes.get(key);
      const code = known === undefined ? endsFor(record.client as string, state, gate, at, evidence) : known;
      codes.set(key, code);
      const heard = isRunning(state, gate) && !isCut(state, gate, LEDGER);
      from = code !== null && heard ? (from ?? begin) : null;
      if (from !== null && over - from > age + HEED) {
        const what = `a session of ${record.client} at ${gate} went on for ${(over - from) / 1_000} s, and the policy says ${code}`;
        return [{ at: over, what }];
      }
    }
    return [];
  });
}
