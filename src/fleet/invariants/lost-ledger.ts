/**
 * What is promised after the loss of a ledger: whoever knew what was in it takes nothing else for it, so that no upgrade
 * begins, nothing is recorded and no token is given again until an operator has accepted what is there.
 */
import type { Claim, HistoryEntry, HistoryKind, LedgerRecord } from '../../migration/ledger/record.ts';
import { type GroundTruth, isCut, type TrueState, type TrueWrite } from '../ground-truth.ts';
import { LEDGER } from '../names.ts';
import type { Breach } from './breach.ts';
import { type Evidence, HEED } from './evidence.ts';
import { answers, isRunning, sinceOf } from './knowledge.ts';

/** What the holder of a claim records under it. */
export const UNDER_CLAIM: ReadonlySet<HistoryKind> = new Set([
  'running',
  'step-done',
  'done',
  'failed',
  'released',
]);

/** A gate that can tell that the ledger is not the one it was, and the record that it knew. */
interface Witness {
  readonly gate: string;
  readonly known: LedgerRecord;
}

/** Upgrades that began on a ledger that was in doubt, or on one that a gate had the time to doubt. */
export function begunInDoubt(evidence: Evidence): Breach[] {
  const { truth, history } = evidence;
  return history.flatMap((entry, place) => {
    const { what, at, token } = entry;
    if (what !== 'planned') return [];
    const write = writeOf(entry, truth);
    const say = (why: string) => [{ at, what: `an upgrade began under token ${token}, and ${why}` }];
    if (write?.before?.doubt || isDoubted(place, evidence)) return say('the ledger was in doubt');
    if (write === undefined) return [];
    const [witness] = witnessesOf(entry, truth).filter(({ known }) => contradicts(known, write.before));
    return witness === undefined ? [] : say(`${witness.gate} knew the ledger that was lost`);
  });
}

/** Whether a gate put a doubt about what is there on record, and no operator has accepted it since. */
function isDoubted(place: number, { history, truth }: Evidence): boolean {
  const from = truth.losses.findLast(({ entries }) => entries <= place)?.entries ?? 0;
  const last = history
    .slice(from, place)
    .findLast(({ what, note }) => what === 'ledger-doubted' || (what === 'ledger-accepted' && !note));
  return last?.what === 'ledger-doubted';
}

/** What a holder recorded in a ledger which it could tell was not the one that it had written to. */
export function recordedInLost({ truth }: Evidence): Breach[] {
  return truth.losses.flatMap(({ writes, state }, place) => {
    const claim = state.record?.claim;
    const known =
      claim && truth.writes.slice(0, writes).findLast((write) => isByHolder(claim, write, truth))?.after;
    if (!known) return [];
    const own = truth.writes
      .slice(writes, truth.losses[place + 1]?.writes)
      .filter((write) => isByHolder(claim, write, truth));
    return own.flatMap(({ at, entries, before }) => {
      if (!contradicts(known, before)) return [];
      const what = entries.map((entry) => entry.what).join(', ') || 'progress';
      return [
        { at, what: `${what} under token ${claim.token} went into a ledger older than ${claim.owner} knew` },
      ];
    });
  });
}

/** Whether the holder of this claim itself wrote it under the claim: progress, or what it adds to the history. */
function isByHolder({ owner, token }: Claim, write: TrueWrite, truth: GroundTruth): boolean {
  const { entries, before, after } = write;
  if (before?.claim?.token !== token || before.claim.owner !== owner) return false;
  if (!writtenBy(token, write, truth)) return false;
  if (entries.length === 0) return JSON.stringify(before.claim) !== JSON.stringify(after.claim);
  return entries.every((entry) => entry.owner === owner && UNDER_CLAIM.has(entry.what));
}

/** Whether the process that was given this token wrote it: others may end a claim that was abandoned. */
export function writtenBy(token: number, { gate, at }: TrueWrite, truth: GroundTruth): boolean {
  const grant = truth.grants.findLast((one) => one.token === token && one.at <= at);
  return grant !== undefined && grant.gate === gate && sinceOf(truth, gate, at) <= grant.at;
}

/** Whether nobody could know that this token was given before: who gave it had no part in that, and nobody told. */
export function givenUnawares(entry: HistoryEntry, evidence: Evidence): boolean {
  const { truth } = evidence;
  const { at, token = 0 } = entry;
  const loss = truth.losses.findLast((one) => one.at <= at);
  if (loss === undefined) return false;
  const told = (witness: Witness) => witness.known.token >= token;
  return !witnessesOf(entry, truth, loss.at).some(told) && !serversTell(entry, evidence);
}

/** Whether some server that the giver can ask has seen this token, or a higher one. */
function serversTell({ at, token = 0 }: HistoryEntry, { truth, age }: Evidence): boolean {
  const gate = giverOf(token, at, truth);
  if (!truth.runs.some((run) => run.token >= token && run.from < at - age)) return false;
  const states = truth.between(at - age, at);
  const servers = states[0]?.servers ?? [];
  return servers.some(({ id }) =>
    states.every((state) => isRunning(state, gate) && answers(state, gate, id)),
  );
}

/**
 * Gates that knew a record of the ledger before `entry`: whoever wrote that entry, and each other one that had the time
 * to say so.
 * @param since when the others may have said so at the earliest
 */
function witnessesOf(
  { at, token = 0 }: HistoryEntry,
  truth: GroundTruth,
  since = at - HEED,
): readonly Witness[] {
  const giver = giverOf(token, at, truth);
  const losses = truth.losses.filter((loss) => loss.at <= at);
  const from = Math.max(since, losses.at(-1)?.at ?? since);
  return truth.at(at).gates.flatMap(({ id }) => {
    if (id !== giver && !looked(id, from, at, truth)) return [];
    const known = knownBy(id, at, truth);
    return known === null ? [] : [{ gate: id, known }];
  });
}

/** States before each loss that a gate has not had the time to notice: it goes by what was on record then. */
export function statesBeforeLoss(gate: string, time: number, { truth, age }: Evidence): TrueState[] {
  return truth.losses.flatMap(({ at, state }) =>
    at > time || looked(gate, at, time, truth)
      ? []
      : truth.between(at - age, at).filter((one) => truth.states.indexOf(one) < truth.states.indexOf(state)),
  );
}

/** Whether a gate reached the ledger without a break for as long as it takes to notice anything. */
function looked(gate: string, from: number, to: number, truth: GroundTruth): boolean {
  return spansOf(gate, from, to, truth).some((span) => span.to - span.from >= HEED);
}

/** The record that a gate's process must have read last, if it was not in doubt; null: it need not have read any. */
function knownBy(gate: string, time: number, truth: GroundTruth): LedgerRecord | null {
  const spans = spansOf(gate, sinceOf(truth, gate, time), time, truth);
  for (const { from, to } of spans.toReversed()) {
    if (to - from < HEED) continue;
    const { record } = truth.at(to - HEED);
    if (record !== null && record.doubt === null) return record;
  }
  return null;
}

/** Times in which a gate ran, reached the ledger, and the ledger was not lost; oldest first. */
function spansOf(
  gate: string,
  from: number,
  to: number,
  truth: GroundTruth,
): Array<{ from: number; to: number }> {
  const spans: Array<{ from: number; to: number }> = [];
  const states = truth.between(from, to);
  const lost = new Set(truth.losses.map(({ state }) => state));
  for (const [place, state] of states.entries()) {
    const begin = Math.max(from, state.at);
    const end = Math.min(to, states[place + 1]?.at ?? to);
    if (!isRunning(state, gate) || isCut(state, gate, LEDGER)) continue;
    const last = spans.at(-1);
    if (last !== undefined && last.to === begin && !lost.has(state)) last.to = end;
    else spans.push({ from: begin, to: end });
  }
  return spans;
}

/** Who gave a token at that time. */
function giverOf(token: number, at: number, { grants }: GroundTruth): string {
  return grants.findLast((grant) => grant.token === token && grant.at <= at + 1)?.gate ?? '';
}

/** The write that added an entry to the history. */
export function writeOf(entry: HistoryEntry, { writes }: GroundTruth): TrueWrite | undefined {
  return writes.find(({ entries }) => entries.includes(entry));
}

/** Whether a record can't be that of the ledger in which `known` was read. */
function contradicts(known: LedgerRecord, record: LedgerRecord | null): boolean {
  if (record === null) return true;
  const other = record.id !== known.id;
  if (other && !record.replaced.includes(known.id ?? '')) return true;
  if (record.token < known.token || record.epoch < known.epoch) return true;
  return !other && record.writes < known.writes;
}
