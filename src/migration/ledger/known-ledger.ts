/**
 * What a gate remembers of its ledger, and what contradicts it: a ledger that was deleted, replaced or taken back to an
 * older state gives tokens again that were given before. Such a ledger is in doubt, which is recorded in it, and no
 * upgrade begins on it until an operator accepts it. Pure.
 */
import type { LedgerRecord } from './record.ts';
import type { Change } from './transitions.ts';

/** What was last seen of a ledger that was not in doubt. */
export type KnownLedger = Pick<LedgerRecord, 'id' | 'token' | 'epoch' | 'writes' | 'level' | 'release'>;

/** How many ledgers that an accepted one stands in for are remembered in it. */
const MAX_REPLACED = 8;

/** What to remember of `record`: readings may overtake each other, and the older one of the same ledger is dropped. */
export function remember(known: KnownLedger | null, record: LedgerRecord): KnownLedger {
  if (known !== null && known.id === record.id && known.writes > record.writes) return known;
  const { id, token, epoch, writes, level, release } = record;
  return { id, token, epoch, writes, level, release };
}

/**
 * Why a record is not that of the ledger which was known before it was read, as a sentence without its end; null: it is.
 * @param isThere whether anything was ever written to it
 */
export function contradictionOf(
  known: KnownLedger | null,
  record: LedgerRecord,
  isThere: boolean,
): string | null {
  if (known === null) return null;
  const seen = `a gate saw token ${known.token} in it before`;
  if (!isThere) return `the ledger is empty, and ${seen}`;
  const other = record.id !== null && record.id !== known.id ? known.id : null;
  if (other !== null && !record.replaced.includes(other))
    return `another ledger is in its place (${record.id}, not ${other}): ${seen}`;
  if (record.token < known.token || record.epoch < known.epoch)
    return `the ledger is older than it was: its last token is ${record.token}, and ${seen}`;
  // A program that knows of no identity does not keep this count either.
  if (record.id !== null && record.id === known.id && record.writes < known.writes)
    return `the ledger is older than it was: it was written ${record.writes} times, and ${known.writes} times before`;
  return null;
}

/** Why no upgrade begins on a ledger until an operator accepts it; null: nothing stands against it. */
export function doubtIn(view: {
  readonly record: LedgerRecord;
  readonly contradiction: string | null;
}): string | null {
  return view.contradiction ?? view.record.doubt?.why ?? null;
}

/**
 * Puts the doubt on record, so that gates share it which remember nothing, and with it what must not be lost: the
 * highest token and epoch, and where the tables were if the ledger does not say.
 */
export function doubted(
  record: LedgerRecord,
  known: KnownLedger,
  why: string,
  owner: string,
  now: number,
): Change {
  const token = Math.max(record.token, known.token);
  const { level, release } = record.level === null ? known : record;
  return {
    record: {
      ...record,
      level,
      release,
      token,
      epoch: Math.max(record.epoch, known.epoch),
      writes: Math.max(record.writes, known.writes),
      replaced: replacedBy(record, known),
      doubt: record.doubt ?? { by: owner, why, at: now },
    },
    history: [{ what: 'ledger-doubted', at: now, owner, token, reason: why }],
  };
}

function replacedBy({ id, replaced }: LedgerRecord, known: KnownLedger): string[] {
  if (known.id === null || known.id === id) return replaced;
  return standingInFor(replaced, [known.id]);
}

/** The ids of ledgers that one stands in for, once `more` are among them. */
export function standingInFor(replaced: readonly string[], more: readonly string[]): string[] {
  return [...replaced.filter((one) => !more.includes(one)), ...more].slice(-MAX_REPLACED);
}

/** How many other ledgers are kept on record. */
const MAX_FOREIGN = 8;

/** Puts on record which other ledgers upgrade the same servers. */
export function foreignSeen(
  record: LedgerRecord,
  seen: readonly { readonly id: string; readonly token: number }[],
  by: string,
  now: number,
): Change | null {
  const news = seen
    .filter(({ id, token }) => !record.foreign.some((one) => one.id === id && one.token >= token))
    .slice(0, MAX_FOREIGN);
  if (news.length === 0) return null;
  const others = record.foreign.filter((one) => !news.some(({ id }) => id === one.id));
  return {
    record: {
      ...record,
      foreign: [...others, ...news.map((one) => ({ ...one, by, at: now }))].slice(-MAX_FOREIGN),
    },
    history: news.map(({ id, token }) => ({
      what: 'foreign-ledger',
      at: now,
      owner: by,
      reason: `servers were asked for an upgrade under token ${token} of another ledger, ${id}`,
    })),
  };
}
