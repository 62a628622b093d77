/** What operators may do to a ledger's record: pure functions, as in transitions.ts. Every act goes on record. */
import { standingInFor } from './known-ledger.ts';
import { activeBlocks, type Block, type HistoryEntry, type LedgerRecord } from './record.ts';
import { type Change, failed } from './transitions.ts';

interface Operator {
  readonly by: string;
  readonly reason: string;
}

/** An act of an operator that goes on record, and what makes it one that changes nothing. */
export type Act = 'unblock' | 'retry' | 'abort' | 'accept-ledger';

/** Why an act changes nothing, as a clause; null: it does change something. */
export function reasonForNothing(
  act: Act,
  record: LedgerRecord,
  leaseAlive: boolean,
  now: number,
  of: string | null = null,
): string | null {
  const { claim, failure, doubt, foreign } = record;
  switch (act) {
    case 'unblock':
      if (activeBlocks(record, now).some(({ by }) => of === null || by === of)) return null;
      return of === null ? 'no block was in force' : `no block of ${of} was in force`;
    case 'retry':
      if (failure !== null || (claim !== null && !leaseAlive)) return null;
      return claim?.abort ? null : 'no attempt had failed';
    case 'abort':
      return claim === null ? 'no upgrade was running' : null;
    case 'accept-ledger':
      return doubt === null && foreign.length === 0 ? 'this ledger is not in doubt' : null;
  }
}

/** A line of history for an act, which goes on record also where it changes nothing. */
function act(what: HistoryEntry['what'], who: Operator, reason: string | null, now: number): HistoryEntry {
  return { what, at: now, ...who, ...(reason !== null && { note: `nothing to do: ${reason}` }) };
}

/** Lets no upgrade begin. @param until ms since the epoch; null: until unblocked. */
export function blocked(record: LedgerRecord, who: Operator, until: number | null, now: number): Change {
  return {
    record: withBlocks(
      record,
      [
        { ...who, at: now, until },
        // An operator's last word counts for that operator alone.
        ...activeBlocks(record, now).filter(({ by }) => by !== who.by),
      ],
      now,
    ),
    history: [{ what: 'blocked', at: now, ...who, until }],
  };
}

/**
 * Lifts blocks, and says on record whose.
 * @param of the operator whose block it is; null: all of them
 */
export function unblocked(
  record: LedgerRecord,
  who: Operator,
  now: number,
  of: string | null = null,
): Change {
  const blocks = activeBlocks(record, now);
  const lifted = blocks.filter(({ by }) => of === null || by === of);
  const entry = act('unblocked', who, reasonForNothing('unblock', record, false, now, of), now);
  const note =
    lifted.length === 0 ? {} : { note: `lifts the block of ${lifted.map(({ by }) => by).join(', ')}` };
  return {
    record: withBlocks(
      record,
      blocks.filter((block) => !lifted.includes(block)),
      now,
    ),
    history: [{ ...entry, ...note, ...(of !== null && { of }) }],
  };
}

function withBlocks(record: LedgerRecord, blocks: readonly Block[], now: number): LedgerRecord {
  const [block = null, ...otherBlocks] = activeBlocks(
    { ...record, block: null, otherBlocks: [...blocks] },
    now,
  );
  return { ...record, block, otherBlocks };
}

/** Stands for all that the trigger waits for, until the next upgrade is done. */
export function approved(record: LedgerRecord, who: Operator, now: number): Change {
  return {
    record: { ...record, approval: { ...who, at: now } },
    history: [{ what: 'approved', at: now, ...who }],
  };
}

/**
 * Closes the circuit: the next newer client may try again, at once; so may who takes over from a holder that is gone. An
 * abort that is still on its way is taken back: the last word of an operator counts.
 */
export function retried(record: LedgerRecord, who: Operator, leaseAlive: boolean, now: number): Change {
  const { claim } = record;
  return {
    record: {
      ...record,
      failure: null,
      ...(claim !== null && {
        claim: { ...claim, abort: null, ...(!leaseAlive && { attempt: 0 }) },
      }),
    },
    history: [act('retried', who, reasonForNothing('retry', record, leaseAlive, now), now)],
  };
}

/** Says that this ledger is the right one from now on, whatever a gate saw before, and whatever other ones servers saw. */
export function accepted(record: LedgerRecord, who: Operator, now: number): Change {
  const entry = act('ledger-accepted', who, reasonForNothing('accept-ledger', record, false, now), now);
  const replaced = standingInFor(
    record.replaced,
    record.foreign.map(({ id }) => id),
  );
  return { record: { ...record, doubt: null, replaced, foreign: [] }, history: [entry] };
}

/** A live holder is asked to stop; a claim whose holder is gone is ended here. Nothing starts until `retry`. */
export function aborted(record: LedgerRecord, who: Operator, leaseAlive: boolean, now: number): Change {
  const { claim } = record;
  const history = [act('aborted', who, reasonForNothing('abort', record, leaseAlive, now), now)];
  if (claim === null) return { record, history };
  if (leaseAlive) return { record: { ...record, claim: { ...claim, abort: who } }, history };
  const ended = failed(record, claim, `aborted by ${who.by}: ${who.reason}`, null, now, true);
  return { record: ended.record, history: [...history, ...ended.history] };
}
