/** What invariants are asked about: the chronicle, the ledger's history, and how old knowledge may be. */
import type { HandshakeRecord } from '../../decision/record.ts';
import type { HistoryEntry } from '../../migration/ledger/record.ts';
import type { Policy } from '../../policy/types.ts';
import type { Chronicle } from '../chronicle.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

export interface Evidence {
  readonly chronicle: Chronicle;
  readonly history: readonly HistoryEntry[];
  readonly scenario: Scenario;
  readonly policy: Policy;
  /** How old what a gate knows may be, ms: a probe's interval and the time that its answer may take. */
  readonly age: number;
  readonly decided: readonly Decided[];
}

/** A gate's decision over a client. */
export interface Decided {
  readonly gate: string;
  readonly at: number;
  /** Its place in the chronicle's records. */
  readonly index: number;
  readonly record: HandshakeRecord;
}

/** ms between two looks at the ledger by a gate that was not told of a change, and for what follows. */
export const HEED = 2_000;
/** ms of packets that are late, and of jobs that wait for others. */
const SLACK = 500;

export async function evidenceOf(world: World): Promise<Evidence> {
  const { chronicle, ledger, scenario, policy } = world;
  const { probe, dial } = scenario.timeouts;
  return {
    chronicle,
    scenario,
    policy,
    history: await ledger.history(),
    age: probe + dial + SLACK,
    decided: chronicle.records.flatMap(({ gate, at, record }, index) =>
      record.event === 'handshake' ? [{ gate, at, index, record }] : [],
    ),
  };
}

/** Decisions made before the fleet was told to stop, of one verdict. */
export function decidedAs({ decided, chronicle }: Evidence, verdict: 'permit' | 'refuse'): Decided[] {
  const end = chronicle.stoppedAt ?? Number.POSITIVE_INFINITY;
  return decided.filter(({ record, at }) => record.verdict === verdict && at < end);
}
