/** The records of the one-time upgrade, and of the ledger that it is kept in. */
import { z } from 'zod';
import { common, count, level, ms, nullableLevel, time } from './fields.ts';

const attempt = {
  client: z.string().describe('the version of the client that brought the upgrade'),
  token: count.describe("the fencing token of the upgrade's claim"),
  steps: z
    .array(
      z.strictObject({
        from: z
          .string()
          .nullable()
          .describe('the release before, the lowest of its level where nobody recorded which; null: unknown'),
        to: z.string().describe('the release upgraded to'),
        fromLevel: level.describe('the schema level before'),
        toLevel: level.describe('the schema level after'),
      }),
    )
    .readonly()
    .describe('what is to be done; empty: an attempt that finishes what an earlier one did'),
  fromLevel: nullableLevel.describe('the schema level before; null: unknown'),
  toLevel: nullableLevel.describe('the schema level to be reached; null: no steps are left'),
};
const error = z.string().describe('what went wrong, for people');
const durationMs = ms.describe('how long it took, ms');
const restore = {
  token: attempt.token,
  error: z.string().describe('what made it necessary; of `restore-failed`, why it failed'),
  sessions: count.describe('sessions open on this gate at the time'),
};
const levels = {
  fromLevel: attempt.fromLevel,
  toLevel: level.describe('the level that the servers report'),
};
const ledger = { ledger: z.string().describe('where the ledger is') };
const hookProcess = {
  host: z.string().describe('the host of the process'),
  pid: z.int().describe('its process id there'),
  token: attempt.token,
};

/** A record of the migration: `what` says which, and which fields it has. */
function migration<const What extends string, Fields extends z.ZodRawShape>(
  what: What,
  about: string,
  fields: Fields,
) {
  return z.strictObject({
    ...common,
    event: z.literal('migration'),
    what: z.literal(what).describe(about),
    ...fields,
  });
}

/** Every record of an upgrade. */
export const migrations = z.discriminatedUnion('what', [
  migration('started', 'an attempt at an upgrade begins', attempt),
  migration('done', 'the upgrade is done and on record', { ...attempt, durationMs }),
  migration('not-needed', 'judged again under the claim, the upgrade is no longer needed', {
    ...attempt,
    reason: z.string().describe('why not, for people'),
    durationMs,
  }),
  migration('failed', 'the attempt failed', {
    ...attempt,
    attempt: count.describe('which one in a row'),
    error,
    retryAt: time.nullable().describe('when the next may begin; null: not before an operator says so'),
  }),
  migration('given-up', 'no attempt begins any more until an operator says so', {
    client: attempt.client,
    attempts: count.describe('how many failed in a row'),
    toLevel: attempt.toLevel,
    error: error.nullable().describe('why the last one failed; null: that is not on record'),
  }),
  migration('lost', 'the claim or the ledger was lost: what the attempt came to is not on record', {
    ...attempt,
    error,
  }),
  migration('released', 'the gate stops, and gives its claim back', attempt),
  migration('restored', 'after a failure, the restore hook ran', restore),
  migration('restore-failed', 'after a failure, the restore hook failed too', restore),
  migration('level-observed', 'the ledger follows what the servers report', levels),
  migration('level-went-back', 'the system tables are older than recorded', levels),
  migration('foreign-ledger', 'another gate upgrades the same cluster with another ledger', {
    ...ledger,
    token: count.describe('the highest token that this ledger gave'),
    seenToken: count.describe('the token that a server saw'),
    seenLedger: z.string().nullable().describe('the ledger that gave it; null: the server does not say'),
    error,
  }),
  migration('impossible-token', 'a server claims a token that no ledger can have given; it is ignored', {
    server: z.string().describe('id of the server'),
    seenToken: count.describe('the token that it claims'),
    error,
  }),
  migration('ledger-available', 'the ledger can be read (again)', ledger),
  migration('ledger-unavailable', 'the ledger cannot be read', {
    ...ledger,
    error,
    damaged: z.boolean().describe('whether it was read, and what it holds is not a record'),
  }),
  migration('ledger-doubted', 'the ledger is not the one it was: no upgrade begins on it', {
    ...ledger,
    error,
  }),
  migration('clock-skew', 'the clock of this gate differs from that of the ledger', {
    ...ledger,
    aheadMs: z.number().describe('ms that the gate is ahead; negative: behind'),
    error,
  }),
  migration('ledger-accepted', 'an operator accepted the ledger, or the right one is back', ledger),
  migration('hook-out-of-sight', 'a hook of an earlier attempt may run on another host', hookProcess),
  migration('waiting-for-hook', 'a hook of an earlier attempt still runs, and is waited for', hookProcess),
  migration('killing-hook', 'its time is over, and it is killed', hookProcess),
  migration('claim-failed', 'the upgrade could not be claimed', { client: attempt.client, error }),
]);
