/** What operators did lately: to this gate, as it saw it, and to the upgrade, as the ledger has it on record. */
import type { OperatorEvent } from '../events/events.ts';
import type { HistoryEntry, HistoryKind } from '../migration/ledger/record.ts';
import type { AdminContext } from './context.ts';
import type { Timed } from './recent.ts';
import type { Numbered } from './ring.ts';
import { isoTime } from './times.ts';

/** One act. */
export interface ActView {
  readonly id: string;
  readonly time: string;
  readonly what: string;
  readonly stage: OperatorEvent['stage'];
  readonly by: string;
  readonly reason: string;
  /** What it did, for people. */
  readonly sentence: string;
  readonly target: OperatorEvent['target'] | null;
}

const ACTS: Readonly<Partial<Record<HistoryKind, string>>> = {
  approved: 'Approved the next upgrade.',
  blocked: 'Blocked upgrades.',
  unblocked: 'Lifted blocks of upgrades.',
  retried: 'Let the upgrade be tried again.',
  aborted: 'Aborted the upgrade.',
  'ledger-accepted': 'Accepted the ledger.',
};

/** Newest first. @param most how many at most */
export async function auditOf({ recent, migration }: AdminContext, most: number): Promise<ActView[]> {
  const own = [...recent.acts.backwards()].map((entry) => ofGate(entry, recent.epoch));
  const history = (await migration.ledger?.history().catch(() => [])) ?? [];
  const onRecord = history.map(ofLedger).filter((act) => act !== null);
  return [...own, ...onRecord].sort((one, other) => compare(other.time, one.time)).slice(0, most);
}

const compare = (one: string, other: string) => Number(one > other) - Number(one < other);

function ofGate({ number, value: { event, at } }: Numbered<Timed<OperatorEvent>>, epoch: string): ActView {
  const { what, stage, by, reason, target, effect } = event;
  return { id: `${epoch}-${number}`, time: isoTime(at), what, stage, by, reason, sentence: effect, target };
}

function ofLedger({ what, at, by, reason, note, until, of }: HistoryEntry, index: number): ActView | null {
  const sentence = ACTS[what];
  if (sentence === undefined || by === undefined) return null;
  const more = [
    until == null ? null : `Until ${isoTime(until)}.`,
    of === undefined ? null : `Of ${of} alone.`,
    note === undefined ? null : `${note[0]?.toUpperCase()}${note.slice(1)}.`,
  ];
  return {
    id: `ledger-${index + 1}`,
    time: isoTime(at),
    what: `migration ${what}`,
    stage: 'done',
    by,
    reason: reason ?? '',
    sentence: [sentence, ...more].filter((part) => part !== null).join(' '),
    target: null,
  };
}
