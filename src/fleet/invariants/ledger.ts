/** The ledger's history, and the record as each swap left it. */
import {
  activeBlocks,
  type HistoryEntry,
  type HistoryKind,
  type LedgerRecord,
} from '../../migration/ledger/record.ts';
import { isCut, type TrueLoss, type TrueState } from '../ground-truth.ts';
import { LEDGER } from '../names.ts';
import type { Breach } from './breach.ts';
import { type Evidence, HEED } from './evidence.ts';
import { givenUnawares, UNDER_CLAIM } from './lost-ledger.ts';

/** Levels that were reached twice, by the ledger or at the tables. */
export function secondCompletion({ history, truth }: Evidence): Breach[] {
  const breaches: Breach[] = [];
  const reached = new Set<number>();
  for (const { what, at, toLevel, token, ran } of history) {
    if (what === 'level-went-back') reached.clear();
    if (what !== 'step-done' || toLevel === undefined) continue;
    // A ledger that has forgotten what was done may find it done.
    const isFound = ran === false && truth.losses.some((loss) => loss.at <= at);
    if (reached.has(toLevel) && !isFound)
      breaches.push({ at, what: `the step to level ${toLevel} completed again, under token ${token}` });
    reached.add(toLevel);
  }
  const rises = truth.runs.filter(({ how }) => how === 'completed');
  for (const [place, { level, server, end }] of rises.entries())
    if (rises.findIndex((other) => other.level === level) < place)
      breaches.push({ at: end as number, what: `${server} brought the tables to level ${level} again` });
  return breaches;
}

const ENDS: ReadonlySet<HistoryKind> = new Set(['done', 'failed', 'released']);

/** Tokens that went back, had two holders, or were taken from a holder that was well. */
export function twoHolders(evidence: Evidence): Breach[] {
  const breaches: Breach[] = [];
  const { history, truth } = evidence;
  let highest = 0;
  let holder: HistoryEntry | null = null;
  for (const [place, entry] of history.entries()) {
    const { what, at, token = 0 } = entry;
    const loss = truth.losses.findLast(({ entries }) => entries === place);
    if (loss !== undefined) holder = claimOf(loss);
    const say = (how: string) => breaches.push({ at, what: how });
    if (what === 'taken-over' && holder !== null) {
      if (isWell(holder, at, evidence)) say(`token ${holder.token} was taken over, and its holder was well`);
      holder = null;
    }
    if (what === 'planned') {
      if (holder !== null) say(`token ${token} was given while token ${holder.token} was held`);
      if (token <= highest && !givenUnawares(entry, evidence))
        say(`token ${token} was given after token ${highest}`);
      highest = Math.max(highest, token);
      holder = entry;
    }
    if (!UNDER_CLAIM.has(what)) continue;
    if (holder?.token !== token || holder.owner !== entry.owner)
      say(`${what} by ${entry.owner} under token ${token}, which it did not hold`);
    if (ENDS.has(what)) holder = null;
  }
  return breaches;
}

/** The claim that a ledger came back with, as history would tell of it. */
function claimOf({ at, state: { record } }: TrueLoss): HistoryEntry | null {
  return record?.claim ? { what: 'planned', at, token: record.claim.token, owner: record.claim.owner } : null;
}

/** Whether a holder could have renewed its lease all the time. */
function isWell({ token }: HistoryEntry, at: number, { truth, scenario }: Evidence): boolean {
  const grant = truth.grants.findLast((one) => one.token === token && one.at <= at);
  if (grant === undefined) return false;
  // It lets go of a claim in a ledger that was lost.
  if (truth.losses.some((loss) => grant.at <= loss.at && loss.at <= at)) return false;
  const from = Math.max(grant.at, at - scenario.migration.lease - scenario.migration.lease / 3);
  return truth.between(from, at).every((state) => canRenew(state, grant.gate, grant.at));
}

function canRenew(state: TrueState, gate: string, since: number): boolean {
  const found = state.gates.find(({ id }) => id === gate);
  const alive = found !== undefined && found.since !== null && found.since <= since && !found.paused;
  return alive && !isCut(state, gate, LEDGER);
}

/** Upgrades that began while an operator blocked them. */
export function startedUnderBlock({ history, truth }: Evidence): Breach[] {
  const breaches: Breach[] = [];
  /** When each operator's block ends. */
  let blocks = new Map<string, number>();
  for (const [place, { what, at, until, token, by = '', of }] of history.entries()) {
    const loss = truth.losses.findLast(({ entries }) => entries === place);
    if (loss !== undefined) blocks = blocksOf(loss);
    if (what === 'blocked') blocks.set(by, until ?? Number.POSITIVE_INFINITY);
    if (what === 'unblocked') of === undefined ? blocks.clear() : blocks.delete(of);
    if (what === 'planned' && at < Math.max(Number.NEGATIVE_INFINITY, ...blocks.values()))
      breaches.push({ at, what: `an upgrade began under token ${token} while upgrades were blocked` });
  }
  return breaches;
}

/** The blocks that a ledger came back with. */
function blocksOf({ at, state: { record } }: TrueLoss): Map<string, number> {
  const blocks = record === null ? [] : activeBlocks(record, at);
  return new Map(blocks.map(({ by, until }) => [by, until ?? Number.POSITIVE_INFINITY]));
}

/** Steps that completed long after their upgrade was aborted. */
export function wentOnAfterAbort(evidence: Evidence): Breach[] {
  const { history, truth } = evidence;
  const aborted = new Map<number, number>();
  const breaches: Breach[] = [];
  for (const entry of history) {
    const { what, at, token = 0 } = entry;
    const claim = what === 'aborted' ? truth.at(at).record?.claim : null;
    if (claim?.abort) aborted.set(claim.token, at);
    const since = aborted.get(token) ?? at;
    if (what === 'step-done' && at - since > HEED && isWell(entry, at, evidence))
      breaches.push({
        at,
        what: `token ${token} went on for ${(at - since) / 1_000} s after it was aborted`,
      });
  }
  return breaches;
}

/** Writes after which the ledger's token or level was lower than before. */
export function ledgerWentBack({ truth }: Evidence): Breach[] {
  const breaches: Breach[] = [];
  const lost = new Set(truth.losses.map(({ state }) => state));
  let before: LedgerRecord | null = null;
  for (const state of truth.states) {
    const { at, record } = state;
    const was = lost.has(state) ? null : before;
    before = record;
    if (record === null || was === null || record === was) continue;
    if (record.token < was.token)
      breaches.push({ at, what: `the ledger's token went from ${was.token} back to ${record.token}` });
    if ((record.level ?? 0) < (was.level ?? 0) && record.epoch === was.epoch)
      breaches.push({ at, what: `the ledger's level went from ${was.level} back to ${record.level}` });
  }
  return breaches;
}
