/** How an upgrade stands by the record of a ledger. Pure, and the one place that tells: gate, CLI and fleet ask here. */
import type { UpgradeState } from '../policy/types.ts';
import { doubtIn } from './ledger/known-ledger.ts';
import type { LedgerView } from './ledger/ledger.ts';
import { activeBlock, type LedgerRecord, MAX_TOKEN } from './ledger/record.ts';

/** What a gate knows beyond the record. */
export interface StatusContext {
  /** Whether everybody is held while an upgrade runs. */
  readonly holdAll?: boolean;
  /** Whether the gate has a hook that restores, for what an earlier attempt left half restored. */
  readonly canRestore?: boolean;
  /** ms that the clock of whoever asks is ahead of the ledger's; times are told by the former. */
  readonly ahead?: number;
  /** What still has to come before an upgrade may begin for the client in question; asked only where it may otherwise. */
  readonly missing?: () => Extract<UpgradeState, { state: 'waiting' }> | null;
}

const EXHAUSTED = {
  state: 'waiting',
  for: 'a new ledger, since this one has given the last token there is',
  missing: { kind: 'config', remedy: 'give all gates a new ledger' },
} as const;

/** Why a gate without a restore hook begins nothing, and what an operator does about it. */
export const NOTHING_TO_RESTORE_WITH = {
  state: 'waiting',
  for: 'the tables to be restored, which an earlier attempt left half restored and this gate has no hook for',
  missing: {
    kind: 'config',
    remedy: 'state `migration.restore` again (a hook that does nothing, if all is restored by hand)',
  },
} as const;

/** Whether a ledger has given the last token there is. */
export const isExhausted = ({ token }: LedgerRecord) => token >= MAX_TOKEN;

/**
 * How the upgrade stands: what runs comes before what is forbidden, and that before what failed.
 * @param now ms since the epoch
 */
export function upgradeStatus(
  view: LedgerView,
  now: number,
  { holdAll = false, canRestore = true, ahead = 0, missing = () => null }: StatusContext = {},
): Exclude<UpgradeState, { state: 'unavailable' }> {
  const { record, leaseAlive } = view;
  const { claim, failure, approval } = record;
  if (claim !== null && leaseAlive) return { state: 'running', downtime: claim.plan.downtime, holdAll };
  const block = activeBlock(record, now);
  if (block !== null)
    return {
      state: 'blocked',
      reason: block.reason,
      until: block.until === null ? null : block.until + ahead,
    };
  const doubt = doubtIn(view);
  if (doubt !== null)
    return {
      state: 'waiting',
      for: `an operator to say which ledger is right (${doubt})`,
      missing: { kind: 'ledger' },
    };
  if (isExhausted(record)) return EXHAUSTED;
  if (record.restoring !== null && !canRestore) return NOTHING_TO_RESTORE_WITH;
  if (failure !== null && (failure.retryAt ?? Number.POSITIVE_INFINITY) > now)
    return {
      state: 'failed',
      error: failure.error,
      retryAt: failure.retryAt === null ? null : failure.retryAt + ahead,
    };
  return missing() ?? { state: 'idle', approved: approval !== null };
}
