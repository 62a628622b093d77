/** `POST /v1/pause` and the like: what an operator does, each with a preview, a reason, and an answer once it is true. */
import { z } from 'zod';
import type { AdminContext, App } from '../context.ts';

/** What every verb is told. */
export const body = z.strictObject({
  reason: z.string().max(1_000).default('').describe('why, for the record'),
  by: z.string().min(1).max(128).optional().describe('who acts, for the record'),
  dryRun: z.boolean().default(false).describe('whether only to say what it would do'),
});

/** What every verb answers. */
export const effect = z.object({
  what: z.string().describe('the verb'),
  dryRun: z.boolean(),
  done: z.boolean().describe('whether it is so now'),
  waitsFor: z.string().nullable().describe('what it waits for; null: for nothing'),
  sessions: z.int().min(0).describe('how many sessions it concerns'),
  sentence: z.string().describe('what it does, for people'),
});

/** Adds all of them. */
export function addVerbs(app: App, context: AdminContext): void {
  for (const what of ['pause', 'resume'] as const)
    app.post(
      `/v1/${what}`,
      {
        schema: {
          operationId: what,
          summary: what === 'pause' ? 'Let new clients wait.' : 'Admit clients again.',
          tags: ['act'],
          security: [{ token: [] }],
          body,
          response: { 200: effect },
        },
      },
      ({ body: { by = 'somebody with the token', ...asked } }) =>
        context.gate.operations[what]({ by, ...asked }),
    );
}
