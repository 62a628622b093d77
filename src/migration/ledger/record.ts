/** What a ledger holds for one cluster, and how it is read. How it changes: transitions.ts. */
import { z } from 'zod';

export const FORMAT = 1;

const ms = z.number();
const step = z.object({
  from: z.string().nullable(),
  to: z.string(),
  fromLevel: z.number(),
  level: z.number(),
});
const hookRun = z.object({
  step: z.number(),
  from: z.string().nullable(),
  to: z.string(),
  fromLevel: z.number(),
  toLevel: z.number(),
  own: z.boolean(),
  script: z.string().nullable(),
});
const trigger = z.object({
  gate: z.string(),
  connection: z.string(),
  client: z.string(),
  driver: z.string(),
});
/** A command that runs on a host, so that one which outlives its gate can be found. */
const processInfo = z.object({ host: z.string(), pid: z.number(), started: z.string() });

const claimSchema = z.object({
  owner: z.string(),
  token: z.number(),
  attempt: z.number(),
  plan: z.object({
    steps: z.array(step).readonly(),
    runs: z.array(hookRun).readonly(),
    downtime: z.boolean(),
  }),
  checksum: z.string(),
  /** Hook runs completed. */
  runsDone: z.number(),
  /** Whether a hook was started for the next run. */
  begun: z.boolean(),
  trigger,
  since: ms,
  progress: z.object({ done: z.number().nullable(), text: z.string() }).nullable(),
  process: processInfo.nullable(),
  /** An operator asked to stop it. */
  abort: z.object({ by: z.string(), reason: z.string() }).nullable(),
});

/** `until` null: until unblocked. */
const block = z.object({ by: z.string(), reason: z.string(), at: ms, until: ms.nullable() });

/** The highest token there is, as the protocol's specification says: beyond it, numbers are not all told apart. */
export const MAX_TOKEN = Number.MAX_SAFE_INTEGER;

const recordSchema = z.object({
  format: z.literal(FORMAT),
  cluster: z.string(),
  /** Given to the ledger by its first write, from whom and when: tells it from one that takes its place. */
  id: z.string().nullable().default(null),
  /** How often it was written, so that an older copy is noticed. */
  writes: z.number().default(0),
  /** Why no upgrade begins on it until an operator accepts it, and which gate noticed that. */
  doubt: z.object({ by: z.string(), why: z.string(), at: ms }).nullable().default(null),
  /** The ids of ledgers that this one stands in for. */
  replaced: z.array(z.string()).default([]),
  /** Other ledgers that upgrade the same servers, each with its highest token that a server saw, and who noticed. */
  foreign: z.array(z.object({ id: z.string(), token: z.number(), by: z.string(), at: ms })).default([]),
  /** Where the tables are, as far as recorded. */
  level: z.number().nullable(),
  /** The release that left them so; the lowest one of its level where `releaseKnown` is false. */
  release: z.string().nullable(),
  /** Whether an upgrade recorded that release as it reached it. */
  releaseKnown: z.boolean().default(false),
  /** Grows when the tables went back: part of every idempotency key. */
  epoch: z.number(),
  /** The highest token ever given. */
  token: z.number(),
  claim: claimSchema.nullable(),
  /** A hook's process that may have outlived the last claim: the next holder has to look for it. */
  orphan: processInfo.nullable().default(null),
  /** A restore that began and is not known to have ended well: it is run again before anything else. */
  restoring: z
    .object({ key: z.string(), run: hookRun, steps: z.number(), error: z.string() })
    .nullable()
    .default(null),
  /** Of the operators' blocks the one that lasts longest, which is all that programs before `otherBlocks` know. */
  block: block.nullable(),
  /** Those of other operators: each lapses by itself. */
  otherBlocks: z.array(block).default([]),
  failure: z
    .object({
      error: z.string(),
      attempts: z.number(),
      at: ms,
      retryAt: ms.nullable(),
      toLevel: z.number(),
      /** It ended because an operator said so. */
      aborted: z.boolean().default(false),
    })
    .nullable(),
  approval: z.object({ by: z.string(), reason: z.string(), at: ms }).nullable(),
  /** Distinct newer clients seen, for a trigger that counts them. */
  seen: z.array(z.string()),
});

export type Claim = z.infer<typeof claimSchema>;
export type LedgerRecord = z.infer<typeof recordSchema>;
export type Restoring = NonNullable<LedgerRecord['restoring']>;
export type Block = z.infer<typeof block>;
export type TriggerInfo = z.infer<typeof trigger>;

export type HistoryKind =
  | 'planned'
  | 'taken-over'
  | 'running'
  | 'step-done'
  | 'done'
  | 'failed'
  | 'restoring'
  | 'restored'
  | 'released'
  | 'level-observed'
  | 'level-went-back'
  | 'blocked'
  | 'unblocked'
  | 'approved'
  | 'retried'
  | 'aborted'
  | 'ledger-doubted'
  | 'ledger-accepted'
  | 'foreign-ledger';

/** One line of history; fields that do not apply are absent. */
export interface HistoryEntry {
  readonly what: HistoryKind;
  readonly at: number;
  readonly owner?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly token?: number;
  readonly attempt?: number;
  readonly step?: number;
  readonly steps?: number;
  readonly stepsDone?: number;
  readonly from?: string | null;
  readonly to?: string;
  readonly fromLevel?: number | null;
  readonly toLevel?: number;
  readonly checksum?: string;
  readonly trigger?: TriggerInfo;
  readonly key?: string;
  readonly error?: string;
  /** What has to be explained: an act that changed nothing, an abort that came too late. */
  readonly note?: string;
  readonly until?: number | null;
  /** Of `unblocked`: the operator whose block alone was lifted. */
  readonly of?: string;
  /** Whether a hook ran for it, or the facts showed that it was done already. */
  readonly ran?: boolean;
}

/** The record is there and can't be used: from a newer program, or damaged. Nothing is guessed or repaired. */
export class LedgerFormatError extends Error {
  override readonly name = 'LedgerFormatError';
}

/** The record of a cluster that nothing was ever written about. */
export function emptyRecord(cluster: string): LedgerRecord {
  return {
    format: FORMAT,
    cluster,
    id: null,
    writes: 0,
    doubt: null,
    replaced: [],
    foreign: [],
    level: null,
    release: null,
    releaseKnown: false,
    epoch: 1,
    token: 0,
    claim: null,
    orphan: null,
    restoring: null,
    block: null,
    otherBlocks: [],
    failure: null,
    approval: null,
    seen: [],
  };
}

/** @param text null: there is no record yet. @throws {LedgerFormatError} saying what is wrong. */
export function readRecord(text: string | null, cluster: string): LedgerRecord {
  if (text === null) return emptyRecord(cluster);
  let value: { format?: unknown };
  try {
    value = JSON.parse(text);
  } catch {
    throw new LedgerFormatError(`the record of cluster ${cluster} is damaged: it is not JSON`);
  }
  if (typeof value?.format === 'number' && value.format > FORMAT)
    throw new LedgerFormatError(
      `the record of cluster ${cluster} has format ${value.format}, this program knows up to ${FORMAT}: run a newer skewgate`,
    );
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new LedgerFormatError(
      `the record of cluster ${cluster} is damaged: ${issue?.path.join('.') || 'record'}: ${issue?.message}`,
    );
  }
  if (parsed.data.cluster !== cluster)
    throw new LedgerFormatError(`the record belongs to cluster ${parsed.data.cluster}, not to ${cluster}`);
  return parsed.data;
}

/** The blocks that have not lapsed, each of another operator; the one that lasts longest first. */
export function activeBlocks({ block, otherBlocks }: LedgerRecord, now: number): readonly Block[] {
  const end = ({ until }: Block) => until ?? Number.POSITIVE_INFINITY;
  return [...(block === null ? [] : [block]), ...otherBlocks]
    .filter((one) => end(one) > now)
    .toSorted((one, other) => (end(one) === end(other) ? 0 : end(other) - end(one)));
}

/** The block that lasts longest, of those that have not lapsed; null: there is none. */
export function activeBlock(record: LedgerRecord, now: number): Block | null {
  const isFree = record.block === null && record.otherBlocks.length === 0;
  return isFree ? null : (activeBlocks(record, now)[0] ?? null);
}

/** Whether the record is under this claim. One in doubt is under none: its tokens may have been given before. */
export function isUnder(
  { claim, doubt }: LedgerRecord,
  { token, owner }: Pick<Claim, 'token' | 'owner'>,
): boolean {
  return doubt === null && claim?.token === token && claim.owner === owner;
}

/** Whether nothing was recorded of the tables, and no claim given, between the one and the other. */
export function sameTables(record: LedgerRecord, known: LedgerRecord): boolean {
  return record.token === known.token && record.epoch === known.epoch && record.level === known.level;
}
