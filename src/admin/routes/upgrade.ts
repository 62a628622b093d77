/** `/v1/upgrade` and its history: how the one-time upgrade of the system tables stands, and what came before. */
import { z } from 'zod';
import type { HistoryEntry } from '../../migration/ledger/record.ts';
import { REPORTED_STATES } from '../../migration/upgrade-report.ts';
import type { AdminContext, App } from '../context.ts';
import { count, listOf, time } from '../schemas/common.ts';
import { isoTime } from '../times.ts';
import { upgradeView } from '../upgrade.ts';

const MOST = 1_000;

const block = z.object({ by: z.string(), reason: z.string(), at: time, until: time.nullable() });

const upgrade = z
  .object({
    state: z
      .enum([...REPORTED_STATES, 'none', 'unavailable'])
      .describe('`none`: the policy knows no system tables; `unavailable`: the ledger can not be read'),
    sentence: z.string().describe('for people'),
    level: count.nullable().describe('schema level that clients may count on; null: unknown'),
    ledger: z.string().nullable().describe('where it is on record'),
    release: z.string().nullable().describe('that an upgrade left the tables at; null: not on record'),
    holder: z
      .string()
      .nullable()
      .describe('the gate that has the claim; null, as what follows: nothing runs'),
    token: count.nullable().describe('fencing token of the claim'),
    attempt: count.nullable().describe('which one in a row'),
    leaseAlive: z.boolean().describe('whether the holder renews its claim'),
    leaseLeftMs: z
      .number()
      .nullable()
      .describe('for how long unless it is renewed; null: the store does not say'),
    client: z.string().nullable().describe('version of the client that brought the upgrade'),
    step: count.nullable().describe('that runs, from 1'),
    steps: count.nullable(),
    toLevel: count.nullable(),
    progress: z.number().min(0).max(1).nullable().describe('of the step; null: its hook does not say'),
    progressText: z.string().nullable(),
    startedAt: time.nullable(),
    elapsedMs: z.number().min(0).nullable(),
    expectedMs: z
      .number()
      .min(0)
      .nullable()
      .describe('how long the last upgrade took, however many steps it had; null: there was none'),
    abortedBy: z.string().nullable().describe('the operator who asked it to stop'),
    blocks: listOf(block),
    approvedBy: z.string().nullable(),
    error: z.string().nullable().describe('of the last attempt, if it failed'),
    attempts: count.nullable().describe('that failed in a row'),
    retryAt: time.nullable().describe('null: no attempt before an operator says so, or none failed'),
  })
  .meta({ id: 'Upgrade' });

const entry = z
  .object({ at: time, what: z.string(), by: z.string().optional(), reason: z.string().optional() })
  .loose()
  .describe('fields that do not apply are absent')
  .meta({ id: 'HistoryEntry' });

/** Adds both. */
export function addUpgrade(app: App, context: AdminContext): void {
  app.get(
    '/v1/upgrade',
    {
      schema: {
        operationId: 'getUpgrade',
        summary: 'How the upgrade of the system tables stands.',
        tags: ['see'],
        response: { 200: upgrade },
      },
    },
    async () => ({ ...upgradeView(context), expectedMs: await expectedMs(context) }),
  );
  app.get(
    '/v1/upgrade/history',
    {
      schema: {
        operationId: 'getUpgradeHistory',
        summary: 'Every attempt, and every act of an operator on it, newest first.',
        tags: ['see'],
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(MOST).default(100) }),
        response: { 200: z.object({ history: listOf(entry) }) },
      },
    },
    async ({ query: { limit } }) => {
      const history = (await context.migration.ledger?.history()) ?? [];
      return { history: history.slice(-limit).toReversed().map(spell) };
    },
  );
}

function spell({ at, until, ...rest }: HistoryEntry): z.output<typeof entry> {
  return { ...rest, at: isoTime(at), ...(until !== undefined && { until: until && isoTime(until) }) };
}

/** While one runs: how long the last one that was done took. */
async function expectedMs({ migration }: AdminContext): Promise<number | null> {
  const claim = migration.standing?.view?.record.claim ?? null;
  if (claim === null || migration.ledger === null) return null;
  const history = await migration.ledger.history().catch(() => []);
  const done = history.findLast(({ what }) => what === 'done');
  const begun = history.findLast(({ what, token }) => what === 'planned' && token === done?.token);
  return done === undefined || begun === undefined ? null : done.at - begun.at;
}
