/**
 * What truly happened in a fleet on virtual time, which nobody inside it could know: versions, who was up, which links
 * were cut, the state of the tables and the ledger, which upgrades ran. Invariants are checked against it.
 */
import type { RefusedError } from '../client/session.ts';
import type { HistoryEntry, LedgerRecord } from '../migration/ledger/record.ts';
import type { Version } from '../version/version.ts';
import type { ConnectResult, Logged } from './driver.ts';

export interface TrueServer {
  readonly id: string;
  readonly version: Version;
  readonly state: 'up' | 'draining' | 'down';
  readonly paused: boolean;
}

export interface TrueGate {
  readonly id: string;
  /** When this process began; null: it is dead. */
  readonly since: number | null;
  /** It was told to stop, and drains. */
  readonly draining: boolean;
  readonly paused: boolean;
  /** ms that its clock is ahead of the true time; negative: behind. */
  readonly skew: number;
}

/** The fleet from `at` until the next state. */
export interface TrueState {
  readonly at: number;
  readonly servers: readonly TrueServer[];
  readonly gates: readonly TrueGate[];
  /** Pairs of nodes, as `pairOf` spells them. */
  readonly cuts: ReadonlySet<string>;
  readonly level: number | null;
  /** Null before the first write. */
  readonly record: LedgerRecord | null;
}

/** One execution of an upgrade step at the tables. */
export interface UpgradeRun {
  readonly server: string;
  readonly token: number;
  readonly from: number;
  /** Null: it never said so, since who asked for it was gone. */
  end: number | null;
  /** `completed`: it raised the level. `idle`: there was nothing left to do. `stale`: it was fenced off. */
  how: 'completed' | 'idle' | 'stale' | 'died' | 'left';
  level: number | null;
}

/** What a client learnt from its attempt, reduced to what invariants ask. */
export type ClientOutcome =
  | { readonly kind: 'admitted'; readonly session: string | undefined }
  | ({ readonly kind: 'refused' } & Pick<RefusedError, 'code' | 'retry' | 'move'>)
  | { readonly kind: 'lost'; readonly error: string };

export interface ClientAttempt {
  readonly client: string;
  readonly version: string;
  readonly from: number;
  end: number | null;
  outcome: ClientOutcome | null;
  /** When its client's end of the session was closed, by whomever. */
  closed: number | null;
}

/** What a client learnt from its attempt, as far as invariants ask. */
export function outcomeOf(attempt: ConnectResult): ClientOutcome {
  if (attempt.kind === 'admitted') return { kind: 'admitted', session: attempt.session.id };
  if (attempt.kind === 'lost') return { kind: 'lost', error: attempt.error.message };
  const { code, retry, move } = attempt.error;
  return { kind: 'refused', code, retry, move };
}

/** A token as the ledger gave it, and the process that asked for it. */
export interface Grant {
  readonly token: number;
  readonly gate: string;
  readonly at: number;
}

/** One write to the ledger. */
export interface TrueWrite {
  readonly at: number;
  /** Who wrote it; null: an operator. */
  gate: string | null;
  /** The record as it was written. */
  readonly text: string;
  /** What it added to the history. */
  readonly entries: readonly HistoryEntry[];
  /** The record that it replaced; null: there was none. */
  readonly before: LedgerRecord | null;
  readonly after: LedgerRecord;
}

/** The ledger was lost: what was in it went back, or was gone. */
export interface TrueLoss {
  readonly at: number;
  /** How many entries `history` had before, and how many `writes` there were. */
  readonly entries: number;
  readonly writes: number;
  /** The first state after it. */
  readonly state: TrueState;
}

/** The true history of one simulated fleet. Whatever changes the fleet adds to it. Times are ms since the epoch. */
export class GroundTruth {
  readonly states: TrueState[] = [];
  readonly runs: UpgradeRun[] = [];
  readonly attempts: ClientAttempt[] = [];
  readonly grants: Grant[] = [];
  readonly writes: TrueWrite[] = [];
  readonly losses: TrueLoss[] = [];
  /** What was added to the ledger's history, lost or not, at the true time: gates write their own, and their clocks differ. */
  readonly history: HistoryEntry[] = [];
  /** Decision records with the gate that wrote each, in order. */
  readonly records: Array<{ readonly gate: string; readonly at: number; readonly record: Logged }> = [];
  /** When the fleet was told to stop, and what was left of it a moment after. */
  stoppedAt: number | null = null;
  left: { readonly [what: string]: number } | null = null;

  /** States that held at some time between `from` and `to`, oldest first; also those that were over at once. */
  between(from: number, to: number): readonly TrueState[] {
    const last = this.states.findLastIndex(({ at }) => at <= to);
    const first = this.states.findLastIndex(({ at }) => at < from);
    return this.states.slice(Math.max(0, first), last + 1);
  }

  /** The state at `time`, the last of several. */
  at(time: number): TrueState {
    return this.states.findLast(({ at }) => at <= time) ?? (this.states[0] as TrueState);
  }
}

/** One spelling for the link between two nodes, whichever comes first. */
export function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

/** Whether the link between two nodes was cut in this state. */
export const isCut = ({ cuts }: TrueState, a: string, b: string) => cuts.has(pairOf(a, b));
