/** Service that was denied though it could have been given: clients that were refused, or held in vain. */
import type { Code } from '../../policy/codes.ts';
import { decide, fitFor } from '../../policy/decide.ts';
import { type GroundTruth, isCut, type TrueState } from '../ground-truth.ts';
import { LEDGER } from '../names.ts';
import { clientOf, clusterOf } from './admitted.ts';
import type { Breach } from './breach.ts';
import { decidedAs, type Evidence, type GateDecision } from './evidence.ts';
import { GROUNDS } from './grounds.ts';
import { isRunning, knownTo, serversOf, sinceOf, viewsOf } from './knowledge.ts';

/** Clients refused for a reason that was not there, or that the policy would have admitted all the time. */
export function groundlessRefusal(evidence: Evidence): Breach[] {
  const { truth, age } = evidence;
  return decidedAs(evidence, 'refuse').flatMap((refusal) => {
    const { record, at, gate } = refusal;
    const ground = GROUNDS[record.code];
    const waited = truth.between(at - age - record.phases.totalMs, at);
    const grounded = ground === undefined || waited.some((state) => ground(state, refusal, evidence));
    const what = `client ${record.client ?? record.peer} was refused by ${gate} with ${record.code}`;
    if (!grounded) return [{ at, what: `${what}, for which there was no reason` }];
    // What a gate knew in its first moments is what it asked at its start.
    if (record.client === null || at - sinceOf(truth, gate, at) < age) return [];
    return record.code !== 'DRAINING' &&
      truth.between(at - age, at).every((state) => wouldAdmit(refusal, state, evidence))
      ? [{ at, what: `${what}, and the policy would have admitted it all the time` }]
      : [];
  });
}

/** Admitted in the end, and the reason for its wait was gone long before. */
export function heldTooLong(evidence: Evidence): Breach[] {
  const { truth, age, scenario } = evidence;
  const { ramp } = scenario.migration.hold;
  // So many were let in before it at most, at a rate that doubles every second.
  const queue = Math.ceil(Math.log2(truth.attempts.length / ramp + 1)) * 1_000;
  return decidedAs(evidence, 'permit').flatMap((permit) => {
    const { record, at, gate } = permit;
    const spare = age + queue;
    if (record.phases.heldMs <= spare || at - sinceOf(truth, gate, at) < spare) return [];
    const inVain = truth
      .between(at - spare, at)
      .every((state) => isRunning(state, gate) && wouldAdmit(permit, state, evidence));
    const what = `client ${record.client} was admitted by ${gate} after ${record.phases.heldMs / 1_000} s, and could have been ${spare / 1_000} s before`;
    return inVain ? [{ at, what }] : [];
  });
}

/** Whether the policy admits this client in this state, whatever the gate can have known. */
function wouldAdmit({ record, gate, at }: GateDecision, state: TrueState, evidence: Evidence): boolean {
  const { policy, scenario } = evidence;
  const lost = isCut(state, gate, LEDGER) ? loss(state, gate, evidence) : null;
  if (lost?.stale) return false;
  const client = clientOf(record.client as string);
  const states = new Map(serversOf(state, gate).map((server) => [server.id, server.state]));
  const views = viewsOf(knownTo(gate, at, evidence), (id) => states.get(id) ?? 'down');
  return [state.record, ...(lost?.records ?? [])].every((ledger) =>
    views.every((servers) => {
      const facts = clusterOf(
        servers,
        { ...state, record: ledger },
        scenario.migration.hold.everyone,
        lost !== null,
      );
      const { verdict } = decide(client, facts, policy, at);
      if (verdict === 'permit')
        return servers.filter(({ state: own }) => own === 'up').some(fitFor(client, facts, policy));
      // Bringing the upgrade is a way in, where no upgrade is what it was refused for.
      return verdict === 'migrate' && !ABOUT_UPGRADES.has(record.code);
    }),
  );
}

/** Refusals of clients that might have brought the upgrade, and were kept from it. */
const ABOUT_UPGRADES: ReadonlySet<Code> = new Set<Code>([
  'UPGRADE_NEEDED',
  'UPGRADE_IN_PROGRESS',
  'UPGRADE_REQUIRED',
  'UPGRADE_BLOCKED',
  'UPGRADE_FAILED',
  'LEDGER_UNAVAILABLE',
]);

/** Since when at the earliest a gate's last look was: one that stood still did not look. */
function lookedSince(gate: string, time: number, truth: GroundTruth, age: number): number {
  let from = time - age;
  for (;;) {
    const still = truth.between(from, time).find((state) => !isRunning(state, gate));
    if (still === undefined || still.at - age >= from) return from;
    from = still.at - age;
  }
}

/** What a gate that is cut off from the ledger may have read last, and whether that is too old to go by. */
function loss(state: TrueState, gate: string, { truth, scenario, age }: Evidence) {
  const { states } = truth;
  const place = states.indexOf(state);
  const before = states.findLastIndex((other, at) => at < place && !isCut(other, gate, LEDGER));
  const from = states[before + 1]?.at ?? 0;
  const since = state.gates.find(({ id }) => id === gate)?.since ?? 0;
  const end = states[place + 1]?.at ?? Number.POSITIVE_INFINITY;
  const { migration, timeouts } = scenario;
  return {
    records: truth.between(lookedSince(gate, from, truth, age), from).map(({ record }) => record),
    stale: since >= from || end - from >= migration.grace - timeouts.probe,
  };
}
