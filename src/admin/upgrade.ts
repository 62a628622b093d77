/** The one-time upgrade as the API shows it. */
import type { LedgerView } from '../migration/ledger/ledger.ts';
import type { Claim, LedgerRecord } from '../migration/ledger/record.ts';
import { activeBlocks } from '../migration/ledger/record.ts';
import { stepsDone } from '../migration/ledger/transitions.ts';
import { meaningOf, type ReportedState, reportedState } from '../migration/upgrade-report.ts';
import type { AdminContext } from './context.ts';
import { isoTime } from './times.ts';

const NOTHING_RUNS = {
  holder: null,
  token: null,
  attempt: null,
  leaseAlive: false,
  leaseLeftMs: null,
  client: null,
  step: null,
  steps: null,
  toLevel: null,
  progress: null,
  progressText: null,
  startedAt: null,
  elapsedMs: null,
  abortedBy: null,
} as const;

/** How it stands at this moment. */
export function upgradeView({ migration, config }: AdminContext) {
  const { ledger, standing, level } = migration;
  const tables = { level, ledger: ledger?.url ?? null };
  if (ledger === null || standing === null)
    return {
      state: 'none' as const,
      sentence: 'The policy knows no system tables: there is nothing to upgrade.',
      ...tables,
      release: null,
      ...NOTHING_RUNS,
      ...untouched,
    };
  const now = ledger.now();
  const { view } = standing;
  const record = view?.record ?? null;
  const { approval } = config().migration.trigger;
  const reported = view && reportedState(view, now, { approval });
  const trouble = standing.kind === 'unavailable' ? standing.why : null;
  return {
    state: trouble !== null || reported === null ? ('unavailable' as const) : reported,
    sentence: sentenceOf(reported && view && meaningOf(reported, view, now), trouble),
    ...tables,
    release: record?.releaseKnown ? record.release : null,
    ...(record?.claim ? running(record.claim, view, now) : NOTHING_RUNS),
    ...actsOn(record, now),
  };
}

/** All states that there are. */
export type UpgradeViewState = ReportedState | 'none' | 'unavailable';

function sentenceOf(meaning: string | null, trouble: string | null): string {
  const said = meaning === null ? '' : `${meaning[0]?.toUpperCase()}${meaning.slice(1)}.`;
  if (trouble === null) return said;
  return `The ledger can not be read: ${trouble}.${said === '' ? '' : ` Before: ${said}`}`;
}

function running(claim: Claim, view: LedgerView | null, now: number) {
  const { owner, token, attempt, plan, progress, since, trigger, abort } = claim;
  return {
    holder: owner,
    token,
    attempt,
    leaseAlive: view?.leaseAlive ?? false,
    leaseLeftMs: view?.leaseLeftMs ?? null,
    client: trigger.client,
    step: Math.min(stepsDone(claim) + 1, plan.steps.length),
    steps: plan.steps.length,
    toLevel: plan.steps.at(-1)?.level ?? null,
    progress: progress?.done ?? null,
    progressText: progress?.text ?? null,
    startedAt: isoTime(since),
    elapsedMs: Math.max(0, now - since),
    abortedBy: abort?.by ?? null,
  };
}

const untouched = { blocks: [], approvedBy: null, error: null, attempts: null, retryAt: null };

function actsOn(record: LedgerRecord | null, now: number) {
  if (record === null) return untouched;
  const { failure, approval } = record;
  return {
    blocks: activeBlocks(record, now).map(({ by, reason, at, until }) => ({
      by,
      reason,
      at: isoTime(at),
      until: until === null ? null : isoTime(until),
    })),
    approvedBy: approval?.by ?? null,
    error: failure?.error ?? null,
    attempts: failure?.attempts ?? null,
    retryAt: failure?.retryAt == null ? null : isoTime(failure.retryAt),
  };
}
