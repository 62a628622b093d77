/** What every verb is told, and what it answers. */
import { z } from 'zod';
import { parseDuration } from '../../config/units.ts';
import { count, listOf, time } from './common.ts';

const PATTERN = String.raw`\d{1,12}(\.\d{1,3})?(ms|s|m|h|d)`;

/** A duration as people write it, to ms. */
export const duration = z
  .string()
  .max(32)
  .meta({ pattern: `^${PATTERN}$` })
  .transform((text, context) => toMs(text, context));

/** The same, or a word that stands for none, which is null. */
export const durationOr = (word: string) =>
  z
    .string()
    .max(32)
    .meta({ pattern: `^(${word}|${PATTERN})$` })
    .transform((text, context) => (text === word ? null : toMs(text, context)));

function toMs(text: string, context: z.core.$RefinementCtx<string>): number {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(text)} is no duration such as 30s, 10m or 2h`,
  });
  return z.NEVER;
}

/** Who acts, where neither the request nor its token says. */
export const NOBODY = 'somebody with the token';

/** Of every verb. */
export const asked = z.strictObject({
  reason: z.string().max(1_000).default('').describe('why, for the record'),
  by: z
    .string()
    .min(1)
    .max(128)
    .default(NOBODY)
    .describe('who acts, for the record; behind the name of the token, where that has one'),
  dryRun: z.boolean().default(false).describe('whether only to say what it would do'),
});

/** Of verbs that may be for all gates of the cluster. */
export const askedOrder = asked.extend({
  allGates: z
    .boolean()
    .default(false)
    .describe('whether for all gates that share the ledger, also those that start later'),
});

export const target = z.object({
  kind: z.enum(['gate', 'server', 'listener', 'clients', 'session']),
  name: z
    .string()
    .nullable()
    .describe('of the server, listener, range of releases or session; null: the gate'),
});

/** What came of every verb. */
export const outcome = z.object({
  what: z.string().describe('the verb'),
  dryRun: z.boolean(),
  done: z.boolean().describe('whether what the sentence says is true by now'),
  waitsFor: z.string().nullable().describe('what is waited for; null: nothing'),
  sessions: count.describe('sessions that it ends'),
  sentence: z.string().describe('what it does, for people'),
});

/** What came of a verb of this gate. */
export const effect = outcome
  .extend({
    details: z.object({
      target,
      scope: z.enum(['gate', 'cluster']),
      order: z.string().nullable().describe('id of the order that stands now; null: none does'),
      until: time.nullable().describe('when it ends by itself; null: it does not'),
      overMs: z.number().nullable().describe('over which sessions end; null: as they like'),
      left: count.describe('of the sessions that it ends, those that are open'),
      clients: z.record(z.string(), count).describe('those before it began, by client release'),
      held: count.describe('clients that wait for an operator'),
      warnings: listOf(z.string()),
    }),
  })
  .meta({ id: 'Effect' });
