/** Checks each admission by asking the policy again about the fleet as it truly was. */
import { decide, fitFor } from '../../policy/decide.ts';
import type { ClientFacts, ClusterFacts, ServerFacts, UpgradeState } from '../../policy/types.ts';
import { compareMinors, parseVersion, printVersion } from '../../version/version.ts';
import type { TrueState } from '../ground-truth.ts';
import type { Breach } from './breach.ts';
import { decidedAs, type Evidence, type GateDecision } from './evidence.ts';
import { type Known, knownTo, viewsOf } from './knowledge.ts';
import { statesBeforeLoss } from './lost-ledger.ts';

/**
 * Clients admitted whom the policy refuses for everything that their gate can have known, or to a server that can't
 * serve them.
 */
export function refusedByPolicy(evidence: Evidence): Breach[] {
  return decidedAs(evidence, 'permit').flatMap((permit) => {
    const { record, at, gate } = permit;
    const who = `client ${record.client} was admitted by ${gate}`;
    const wrong = misplaced(permit, evidence);
    if (wrong !== null) return [{ at, what: `${who} to ${wrong}` }];
    const refusal = everywhereRefused(permit, evidence);
    return refusal === null ? [] : [{ at, what: `${who}, and the policy says ${refusal}` }];
  });
}

/** Rule M1, stated without using the policy's code. */
export function newerClientAdmitted(evidence: Evidence): Breach[] {
  if (evidence.policy.scope !== 'cluster') return [];
  return decidedAs(evidence, 'permit').flatMap(({ record, at, gate }) => {
    const client = parseVersion(record.client as string);
    const older = knownTo(gate, at, evidence).servers.find(({ versions }) =>
      versions.every((version) => version !== null && compareMinors(version, client) < 0),
    );
    if (older === undefined) return [];
    return [
      {
        at,
        what: `client ${record.client} was admitted by ${gate} while ${older.id} was on ${print(older)}`,
      },
    ];
  });
}

/** The server that a session was given to, if it was not on the version that was said, or can't serve it. */
function misplaced({ record, at }: GateDecision, { truth, policy, scenario }: Evidence): string | null {
  const { server, serverVersion } = record;
  if (server === null || serverVersion === null || policy.kind !== 'skew') return null;
  const asked = at - scenario.timeouts.dial;
  const states = truth.between(asked, at);
  const versions = states.flatMap(({ servers }) => servers.find(({ id }) => id === server)?.version ?? []);
  if (!versions.some((version) => printVersion(version) === serverVersion))
    return `${server} as on ${serverVersion}, which it was not`;
  const facts: ServerFacts = { id: server, version: parseVersion(serverVersion), state: 'up' };
  const fits = states.some((state) =>
    fitFor(clientOf(record.client as string), clusterOf([facts], state), policy)(facts),
  );
  return fits ? null : `${server} on ${serverVersion}, which can't serve it`;
}

/** The code of a refusal that the policy gives for all that the gate can have known; null: it admits somewhere. */
function everywhereRefused({ record, at, gate }: GateDecision, evidence: Evidence): string | null {
  const knowledge = knownTo(gate, at, evidence);
  const views = viewsOf(knowledge, () => 'up');
  const client = clientOf(record.client as string);
  let code = '';
  for (const state of [...statesBeforeLoss(gate, at, evidence), ...knowledge.states].toReversed())
    for (const servers of views) {
      const decision = decide(client, clusterOf(servers, state), evidence.policy, at);
      if (decision.verdict === 'permit') return null;
      code ||= decision.code;
    }
  return code;
}

/** A client of this version that may bring the upgrade. */
export function clientOf(version: string): ClientFacts {
  return { version: parseVersion(version), upgrade: 'may' };
}

/**
 * Nobody is admitted to what an upgrade did before it is on record; who is too old for it is refused before.
 *
 * @param isLost whether the gate can't read the ledger: then it does not know whether the upgrade has ended
 */
export function clusterOf(
  servers: readonly ServerFacts[],
  state: TrueState,
  holdAll = false,
  isLost = false,
): ClusterFacts {
  const { record, level } = state;
  const claim = record?.claim ?? null;
  const upgrade: UpgradeState =
    claim === null ? { state: 'idle' } : { state: 'running', downtime: claim.plan.downtime, holdAll };
  const recorded = record?.level ?? null;
  const last = claim?.plan.steps.at(-1);
  // Its last step does not count before the claim has ended.
  const whole = last && recorded === last.level ? last.fromLevel : recorded;
  const behind = (claim !== null || isLost) && whole !== null && level !== null;
  const reached = level ?? recorded;
  return { servers, level: behind ? Math.min(whole, level) : (level ?? whole), reached, upgrade };
}

function print({ versions }: Known): string {
  return versions
    .map((version) => (version === null ? 'an unknown version' : printVersion(version)))
    .join(', ');
}
