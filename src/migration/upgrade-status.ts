/** How an upgrade stands by the record of a ledger. Pure, and the one place that tells: gate, CLI and fleet ask here. */
import type { UpgradeState } from '../policy/types.ts';
import { doubtIn } from './ledger/known-ledger.ts';
import type { LedgerView } from './ledger/ledger.ts';
import { activeBlock, MAX_TOKEN } from './ledger/record.ts';

/** What a gate knows beyond the record. */
export interface StatusContext {
  /** Whether everybody is held while an upgrade runs. */
  readonly holdAll?: boolean;
  /** What still has to come before an upgrade may begin for the client in question; asked only where it may otherwise. */
  readonly missing?: () => Extract<UpgradeState, { state: 'waiting' }> | null;
}

const NO_TOKEN =
  'this ledger has given the last token there is, so no upgrade can begin: the cluster needs a new ledger';

/**
 * How the upgrade stands: what runs comes before what is forbidden, and that before what failed.
 * @param now ms since the epoch
 */
export function upgradeStatus(
  view: LedgerView,
  now: number,
  { holdAll = false, missing = () => null }: StatusContext = {},
): Exclude<UpgradeState, { state: 'unavailable' }> {
  const { record, leaseAlive } = view;
  const { claim, failure, approval } = record;
  if (claim !== null && leaseAlive) return { state: 'running', downtime: claim.plan.downtime, holdAll };
  const block = activeBlock(record, now);
  if (block !== null) return { state: 'blocked', reason: block.reason, until: block.until };
  const doubt = doubtIn(view);
  if (doubt !== null)
    return {
      state: 'waiting',
      for: `an operator to say which ledger is right (${doubt})`,
      missing: { kind: 'ledger' },
    };
  if (record.token >= MAX_TOKEN) return { state: 'failed', error: NO_TOKEN, retryAt: null };
  if (failure !== null && (failure.retryAt ?? Number.POSITIVE_INFINITY) > now)
    return { state: 'failed', error: failure.error, retryAt: failure.retryAt };
  return missing() ?? { state: 'idle', approved: approval !== null };
}
