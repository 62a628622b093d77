/**
 * What is in the way of the one-time upgrade that a step needs. Policy is asked what the client that brings it would be
 * told, once for each thing that may stand in its way, so that one hides no other.
 */
import { type Plan, PlanError, planUpgrade } from '../policy/plan.ts';
import { hasSystemTables, type MissingForUpgrade, type UpgradeState } from '../policy/types.ts';
import type { Blocker, BlockerKind } from './answers.ts';
import type { FleetFacts, UpgradeFacts } from './facts.ts';
import { type Goal, judgeNewcomer, withServersOn } from './goal.ts';
import { capital, lasting, span } from './sentences.ts';
import { isLevelStated, tablesOf } from './supposed.ts';

/** The upgrade of a step; null: the tables are there, or there are none. `plan` may be what the catalogue lacks. */
export interface NeededUpgrade {
  /** Null: nobody knows where the tables are. */
  readonly fromLevel: number | null;
  readonly toLevel: number;
  /** Whether a server, the ledger or the config says where the tables are: else they count as where the oldest server's release left them. */
  readonly isStated: boolean;
  readonly plan: Plan | PlanError;
}

/** What upgrade the step to `goal` needs. */
export function upgradeFor(facts: FleetFacts, { level: toLevel, version }: Goal): NeededUpgrade | null {
  const { policy } = facts;
  // What clients may count on: tables that are ahead of the record are those of an upgrade that is not over.
  const fromLevel = tablesOf(facts, 'level');
  if (toLevel === null || !hasSystemTables(policy) || (fromLevel ?? -1) >= toLevel) return null;
  const about = { fromLevel, toLevel, isStated: isLevelStated(facts) };
  const from = { level: fromLevel ?? 0, release: null };
  try {
    return { ...about, plan: planUpgrade({ catalogue: policy.catalogue, from, to: version }) };
  } catch (error) {
    if (error instanceof PlanError) return { ...about, plan: error };
    throw error;
  }
}

/** Something that may stand in the way, as the state that policy would see if it were alone. */
interface Obstacle {
  readonly kind: BlockerKind;
  readonly state: UpgradeState;
  readonly message: string;
}

/** Blocks, failures, approvals that are missing, claims that nobody renews, and what the catalogue lacks. */
export function upgradeBlockers(facts: FleetFacts, goal: Goal, needed: NeededUpgrade | null): Blocker[] {
  const moved = withServersOn(facts, goal);
  const blockers = obstaclesOf(facts).flatMap(({ kind, state, message }): Blocker[] => {
    const { verdict, move } = judgeNewcomer({ ...moved, upgrade: { ...facts.upgrade, state } }, goal);
    return verdict === 'refuse' ? [{ kind, who: move?.who ?? [], move, message }] : [];
  });
  return [...lapsed(facts.upgrade), ...blockers, ...lacking(needed)];
}

function obstaclesOf({ upgrade, policy, now }: FleetFacts): Obstacle[] {
  const { state, block, failure, approval } = upgrade;
  if (state.state === 'running') return [];
  const obstacles: Obstacle[] = [];
  if (state.state === 'unavailable')
    obstacles.push({
      kind: 'ledger-unavailable',
      state,
      message: `The ledger of upgrades is out of reach${state.why ? ` (${state.why})` : ''}.`,
    });
  if (block !== null)
    obstacles.push({
      kind: 'upgrade-blocked',
      state: { state: 'blocked', reason: block.reason, until: block.until },
      message: `${block.by} blocked upgrades${lasting(block.until, now)}: ${block.reason}.`,
    });
  else if (state.state === 'blocked')
    obstacles.push({
      kind: 'upgrade-blocked',
      state,
      message: `An operator blocked upgrades: ${state.reason}.`,
    });
  const failed = failure ?? (state.state === 'failed' ? state : null);
  if (failed !== null)
    obstacles.push({
      kind: 'upgrade-failed',
      state: { state: 'failed', error: failed.error, retryAt: failed.retryAt },
      message: `The upgrade failed: ${failed.error}${again(failed.retryAt, now)}.`,
    });
  if (state.state === 'waiting' && state.missing.kind !== 'approval')
    obstacles.push({
      kind: KIND_OF_MISSING[state.missing.kind],
      state,
      message: `The upgrade waits for ${state.for}.`,
    });
  const isApproved = approval.given || (state.state === 'idle' && state.approved === true);
  const isAsked = approval.needed || (hasSystemTables(policy) && !policy.autoUpgrade);
  const isAwaited = state.state === 'waiting' && state.missing.kind === 'approval';
  if (isAwaited || (isAsked && !isApproved))
    obstacles.push({
      kind: 'approval-missing',
      state: { state: 'waiting', for: "an operator's approval", missing: { kind: 'approval' } },
      message: "The upgrade waits for an operator's approval.",
    });
  return obstacles;
}

const KIND_OF_MISSING: Readonly<Record<MissingForUpgrade['kind'], BlockerKind>> = {
  approval: 'approval-missing',
  window: 'upgrade-waiting',
  canary: 'upgrade-waiting',
  clients: 'upgrade-waiting',
  config: 'upgrade-waiting',
  catalogue: 'catalogue',
  ledger: 'ledger-doubted',
};

/** A claim that is not renewed: another gate takes the upgrade over, unless something keeps it from it. */
function lapsed({ holder, leaseAlive, token }: UpgradeFacts): Blocker[] {
  if (holder === null || leaseAlive) return [];
  const message = `${holder} claimed the upgrade${token === null ? '' : ` (token ${token})`} and no longer renews its lease.`;
  return [{ kind: 'lease-lapsed', who: [holder], move: null, message }];
}

function lacking(needed: NeededUpgrade | null): Blocker[] {
  if (!(needed?.plan instanceof PlanError)) return [];
  const { message, remedy } = needed.plan;
  const who = ['operator'];
  return [
    { kind: 'catalogue', who, move: { side: 'operator', to: remedy, who }, message: `${capital(message)}.` },
  ];
}

function again(retryAt: number | null, now: number): string {
  return retryAt === null ? '' : `, and begins again in ${span(retryAt - now)} at the earliest`;
}
