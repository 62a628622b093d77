/** `POST /v1/reload`: the gate reads its config again, and says what that changed, or why nothing did. */
import { z } from 'zod';
import type { AdminContext, App } from '../context.ts';
import { body, effect } from './verbs.ts';

const result = effect.extend({
  changes: z
    .array(
      z.object({
        key: z.string().describe('the key of the config, entries of lists by name'),
        sentence: z.string().describe('what it was and is, for people'),
      }),
    )
    .readonly()
    .describe('all of them were made, or none; of a dry run, what would be'),
  refused: z
    .array(
      z.object({
        key: z.string().describe('the key of the config; empty: no single one is to blame'),
        why: z.string().describe('why not, for people'),
      }),
    )
    .readonly()
    .describe('where there is one, nothing was changed'),
});

/** Adds it. */
export function addReload(app: App, { reload }: AdminContext): void {
  app.post(
    '/v1/reload',
    {
      schema: {
        operationId: 'reload',
        summary: 'Read the config again, and apply it whole or not at all.',
        tags: ['act'],
        security: [{ token: [] }],
        body,
        response: { 200: result },
      },
    },
    async ({ body: { by = 'somebody with the token', ...asked } }) => {
      if (reload) return reload({ by, ...asked });
      const why = 'this gate has no config file to read again';
      const { dryRun } = asked;
      const refused = [{ key: '', why }];
      return {
        what: 'reload',
        dryRun,
        done: false,
        waitsFor: null,
        sessions: 0,
        sentence: why,
        changes: [],
        refused,
      };
    },
  );
}
