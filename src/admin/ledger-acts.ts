/** What an operator can do about the upgrade, through the ledger: the same acts as `skewgate migration` has. */
import type { z } from 'zod';
import { seconds } from '../config/units.ts';
import type { Ledger, LedgerView } from '../migration/ledger/ledger.ts';
import { type Act, reasonForNothing } from '../migration/ledger/operator-acts.ts';
import type { Migration } from '../migration/migration.ts';
import type { Clock } from '../ports/clock.ts';
import { ApiError } from './errors.ts';
import type { outcome } from './schemas/verbs.ts';
import { isoTime } from './times.ts';

export const LEDGER_ACTS = ['approve', 'block', 'unblock', 'retry', 'abort', 'accept-ledger'] as const;
export type LedgerAct = (typeof LEDGER_ACTS)[number];

/** What the body of such a request says. */
export interface AskedAct {
  readonly by: string;
  readonly reason: string;
  readonly dryRun: boolean;
  /** Of `block`, ms: absent: until unblocked. */
  readonly for?: number | undefined;
  /** Of `unblock`: whose block. */
  readonly of?: string | undefined;
}

/** ms that an upgrade gets to stop before the answer says that it is still waited for. */
const ABORT_MS = 10_000;

const NOTHING: Readonly<Record<LedgerAct, Act | null>> = {
  approve: null,
  block: null,
  unblock: 'unblock',
  retry: 'retry',
  abort: 'abort',
  'accept-ledger': 'accept-ledger',
};

/**
 * Does it, or says what it would do. Resolves once this gate goes by it.
 * @throws {ApiError} if there is nothing to upgrade, or a block has no reason
 * @throws {LedgerUnavailable | LedgerFormatError}
 */
export async function actOnLedger(
  what: LedgerAct,
  asked: AskedAct,
  { migration, clock }: { readonly migration: Migration; readonly clock: Clock },
): Promise<z.output<typeof outcome>> {
  const { ledger } = migration;
  if (ledger === null)
    throw new ApiError(
      409,
      'NOTHING_TO_UPGRADE',
      'the policy knows no system tables, and there is no ledger',
    );
  if (what === 'block' && asked.reason === '')
    throw new ApiError(400, 'INVALID', 'reason: a block needs one, since clients are told', 'reason');
  const view = await ledger.read();
  const act = NOTHING[what];
  const nothing = act && reasonForNothing(act, view.record, view.leaseAlive, ledger.now(), asked.of ?? null);
  const sentence =
    nothing === null ? describe(what, asked, view, ledger.now()) : `Nothing to do: ${nothing}.`;
  const base = { what, dryRun: asked.dryRun, sessions: 0, sentence };
  if (asked.dryRun) return { ...base, done: false, waitsFor: null };
  await perform(ledger, what, asked);
  await migration.refresh(0);
  const waitsFor = what === 'abort' && nothing === null ? await untilStopped(migration, clock) : null;
  return { ...base, done: waitsFor === null, waitsFor };
}

function perform(ledger: Ledger, what: LedgerAct, { by, reason, of, for: ms }: AskedAct): Promise<unknown> {
  const who = { by, reason };
  switch (what) {
    case 'approve':
      return ledger.approve(who);
    case 'block':
      return ledger.block(who, ms === undefined ? null : ledger.now() + ms);
    case 'unblock':
      return ledger.unblock(who, of ?? null);
    case 'retry':
      return ledger.retry(who);
    case 'abort':
      return ledger.abort(who);
    case 'accept-ledger':
      return ledger.accept(who);
  }
}

function describe(what: LedgerAct, { for: ms, of }: AskedAct, { record }: LedgerView, now: number): string {
  switch (what) {
    case 'approve':
      return 'The next newer client may bring the upgrade, whatever the trigger says.';
    case 'block':
      return ms === undefined
        ? 'No upgrade begins until it is unblocked.'
        : `No upgrade begins for ${seconds(ms)}, until ${isoTime(now + ms)}, or until unblocked.`;
    case 'unblock':
      return of === undefined
        ? 'Upgrades may begin again: all blocks are lifted.'
        : `The block of ${of} is lifted; upgrades begin again once no other is in force.`;
    case 'retry':
      return 'The next newer client may try again, at once.';
    case 'abort':
      return `The upgrade that ${record.claim?.owner} runs is stopped, and does not start again until "retry".`;
    case 'accept-ledger':
      return 'This ledger is the right one: upgrades may begin on it.';
  }
}

/** Whom the abort still waits for; null: nothing runs any more. */
async function untilStopped(migration: Migration, clock: Clock): Promise<string | null> {
  const limit = new AbortController();
  const timer = clock.after(ABORT_MS, () => limit.abort());
  const holder = () => migration.standing?.view?.record.claim?.owner ?? null;
  while (holder() !== null && !limit.signal.aborted) await migration.changes.next(limit.signal);
  timer.cancel();
  const left = holder();
  return left === null ? null : `${left} to stop`;
}
