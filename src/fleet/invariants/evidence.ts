/** What invariants are asked about: the truth, the ledger's history, and how old knowledge may be. */
import type { HandshakeRecord } from '../../decision/record.ts';
import type { HistoryEntry } from '../../migration/ledger/record.ts';
import type { Policy } from '../../policy/types.ts';
import type { GroundTruth } from '../ground-truth.ts';
import type { Scenario } from '../scenario.ts';
import type { Simulation } from '../simulation.ts';

export interface Evidence {
  readonly truth: GroundTruth;
  readonly history: readonly HistoryEntry[];
  readonly scenario: Scenario;
  readonly policy: Policy;
  /** How old what a gate knows may be, ms: a probe's interval and the time that its answer may take. */
  readonly age: number;
  readonly decided: readonly GateDecision[];
}

/** A gate's decision over a client. */
export interface GateDecision {
  readonly gate: string;
  readonly at: number;
  /** Its place in the truth's records. */
  readonly index: number;
  readonly record: HandshakeRecord;
}

/** Within how many ms a gate acts on a change in the ledger even if it was not notified of it. */
export const HEED = 2_000;
/** Allowance for retransmissions and for work that waits its turn, ms. */
const SLACK = 500;

/** Gathers the evidence of a simulation that was played to its end. */
export function evidenceOf(simulation: Simulation): Evidence {
  const { truth, scenario, policy } = simulation;
  const { probe, dial } = scenario.timeouts;
  return {
    truth,
    scenario,
    policy,
    history: truth.history,
    age: probe + dial + SLACK,
    decided: truth.records.flatMap(({ gate, at, record }, index) =>
      record.event === 'handshake' ? [{ gate, at, index, record }] : [],
    ),
  };
}

/** Decisions made before the fleet was told to stop, of one verdict. */
export function decidedAs({ decided, truth }: Evidence, verdict: 'permit' | 'refuse'): GateDecision[] {
  const end = truth.stoppedAt ?? Number.POSITIVE_INFINITY;
  return decided.filter(({ record, at }) => record.verdict === verdict && at < end);
}
