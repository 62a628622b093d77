/** How the upgrade stands as an operator is told: a word for programs, and what it means. By the ledger's record alone. */
import { doubtIn } from './ledger/known-ledger.ts';
import type { LedgerView } from './ledger/ledger.ts';
import { activeBlock } from './ledger/record.ts';
import { isExhausted, upgradeStatus } from './upgrade-status.ts';

export const REPORTED_STATES = [
  'never-used',
  'idle',
  'waiting',
  'running',
  'abandoned',
  'blocked',
  'doubted',
  'exhausted',
  'failed',
] as const;
export type ReportedState = (typeof REPORTED_STATES)[number];

/** What of a config matters here. */
interface Configured {
  /** Whether an upgrade waits for an operator's approval. */
  readonly approval: boolean;
}

/** As the gates see it, and of an upgrade that may begin, what came before it. @param now ms since the epoch */
export function reportedState(view: LedgerView, now: number, { approval }: Configured): ReportedState {
  const { record, leaseAlive } = view;
  if (doubtIn(view) !== null && !leaseAlive) return 'doubted';
  if (record.claim !== null && !leaseAlive) return 'abandoned';
  const { state } = upgradeStatus(view, now);
  if (state !== 'idle' && state !== 'waiting') return state;
  if (isExhausted(record)) return 'exhausted';
  if (record.failure !== null) return 'failed';
  if (approval && record.approval === null) return 'waiting';
  return record.level === null && record.token === 0 ? 'never-used' : 'idle';
}

const ABANDONED = 'an upgrade was begun, and its gate is gone';

const MEANING: Readonly<Record<ReportedState, string>> = {
  'never-used': 'no upgrade was ever recorded',
  idle: 'no upgrade is running',
  waiting: 'the next upgrade waits for an approval (skewgate migration approve)',
  running: 'an upgrade is running',
  abandoned: `${ABANDONED}: the next gate that sees it goes on`,
  blocked: 'an operator blocked upgrades',
  doubted: 'this is not the ledger that its gates knew: no upgrade begins on it',
  exhausted: 'this ledger has given the last token there is: give all gates a new one',
  failed: 'the last attempt failed',
};

/** What a state means, as a clause for people. @param now ms since the epoch */
export function meaningOf(state: ReportedState, { record }: LedgerView, now: number): string {
  if (state === 'abandoned' && activeBlock(record, now) !== null)
    return `${ABANDONED}: no gate goes on before the block is lifted`;
  if (state === 'failed' && record.failure?.aborted) return 'an operator aborted the last attempt';
  return MEANING[state];
}
