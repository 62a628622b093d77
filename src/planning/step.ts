/** One step to a release line: what is in its way, whom it refuses, what it does to the tables, and the fleet after it. */
import { majorDemands, PlanError } from '../policy/plan.ts';
import { hasSystemTables } from '../policy/types.ts';
import type { Release } from '../version/catalogue.ts';
import { type Minor, printMinor } from '../version/version.ts';
import type { Blocker, Refused } from './answers.ts';
import { absentOf, type Client, connectedOf, judgeFor, refusedBy } from './clients.ts';
import type { FleetFacts, FleetGate, UpgradeFacts } from './facts.ts';
import { gateBlockers } from './gate-blockers.ts';
import { catalogueOf, type Goal, goalOf, oldestLine, withGoal, withServersOn } from './goal.ts';
import { capital, refusedClause } from './sentences.ts';
import { serverBlockers } from './server-blockers.ts';
import { clusterOf, FREE_UPGRADE, isLevelStated } from './supposed.ts';
import { type NeededUpgrade, upgradeBlockers, upgradeFor } from './upgrade-blockers.ts';

/** A step as it is worked out: its answer leaves out how. */
export interface Step {
  readonly goal: Goal;
  /** Release line. */
  readonly to: string;
  readonly blockers: readonly Blocker[];
  /** Open sessions. */
  readonly refuses: readonly Refused[];
  /** Clients of the last hour without a session. */
  readonly refusesSeen: readonly Refused[];
  readonly upgrade: NeededUpgrade | null;
  /** What the catalogue says that a new major demands; null: the step enters none, or it says nothing. */
  readonly demands: NonNullable<Release['major']> | null;
  /** Whether everybody is refused while the upgrade runs. */
  readonly downtime: boolean;
  /** The fleet when it is done, without those whom it refuses. */
  readonly after: FleetFacts;
}

/**
 * The step to `line`.
 * @param later whether another step comes first, so that versions and approvals are no longer those of today
 */
export function stepTo(facts: FleetFacts, line: Minor, later = false): Step {
  const goal = goalOf(facts, line);
  const upgrade = upgradeFor(facts, goal);
  const downtime = upgrade !== null && !(upgrade.plan instanceof PlanError) && upgrade.plan.downtime;
  const today = { now: judgeIn(facts) };
  const judge = judgeIn(withGoal(facts, goal));
  const connected = connectedOf(facts);
  const refuses = refusedBy(connected, judge, today);
  const stays = (client: Pick<Client, 'client' | 'protocol'>) => judge(client)?.verdict !== 'refuse';
  return {
    goal,
    to: printMinor(line),
    blockers: [
      ...serverBlockers(facts, goal, later),
      ...gateBlockers(facts),
      ...upgradeBlockers(facts, goal, upgrade),
      ...refuses.map(sessionBlocker),
    ],
    refuses: [
      ...refuses,
      ...(downtime
        ? refusedBy(connected.filter(stays), judgeIn(inDowntime(facts, goal)), { ...today, temporary: true })
        : []),
    ],
    refusesSeen: refusedBy(absentOf(facts), judge, today),
    upgrade,
    demands: demandsOf(facts, goal),
    downtime,
    after: {
      ...withGoal(facts, goal),
      // Where nobody says where the tables are, nobody will afterwards.
      ...(!isLevelStated(facts) && { level: null, reached: null }),
      gates: facts.gates.map((gate) => laterGate(gate, stays)),
      orders: [],
      sessions: facts.sessions.filter(stays),
      seen: facts.seen.filter(stays),
      upgrade: laterUpgrade(facts),
    },
  };
}

const judgeIn = (facts: FleetFacts) => judgeFor(clusterOf(facts), facts.policy, facts.now);

function sessionBlocker(refused: Refused): Blocker {
  const { versions: who, move } = refused;
  return { kind: 'sessions-outside', who, move, message: `${capital(refusedClause(refused))}.` };
}

function inDowntime(facts: FleetFacts, goal: Goal): FleetFacts {
  const state = { state: 'running', downtime: true } as const;
  return { ...withServersOn(facts, goal), upgrade: { ...facts.upgrade, state } };
}

/** J1: what the catalogue says of a major that some server is not on yet. */
function demandsOf(facts: FleetFacts, { line, version }: Goal): Step['demands'] {
  const oldest = oldestLine(facts);
  if (oldest === null || oldest.major === line.major) return null;
  return majorDemands(catalogueOf(facts.policy), version) ?? null;
}

/** By then gates agree, and have the sessions that are left. */
function laterGate(
  { id, isSelf, sessions = {} }: FleetGate,
  stays: (client: { client: string }) => boolean,
): FleetGate {
  const left = Object.entries(sessions).filter(([line]) => stays({ client: `${line}.0` }));
  const same = { program: '', policyHash: '', catalogueHash: '', lastSeenAt: 0 };
  return { id, isSelf, ...same, sessions: Object.fromEntries(left) };
}

/** An approval is for one upgrade: the next one needs another. */
function laterUpgrade({ upgrade: { approval }, policy }: FleetFacts): UpgradeFacts {
  const needed = approval.needed || (hasSystemTables(policy) && !policy.autoUpgrade);
  return needed
    ? { ...FREE_UPGRADE, state: { state: 'idle' }, approval: { needed, given: false } }
    : FREE_UPGRADE;
}
