/** `POST /v1/reload`: the gate reads its config again, and says what that changed, or why nothing did. */
import { z } from 'zod';
import type { AdminContext, App } from '../context.ts';
import { ApiError } from '../errors.ts';
import { listOf } from '../schemas/common.ts';
import { asked, outcome } from '../schemas/verbs.ts';

const result = outcome
  .extend({
    changes: listOf(
      z.object({
        key: z.string().describe('the key of the config, entries of lists by name'),
        sentence: z.string().describe('what it was and is, for people'),
      }),
    ).describe('all of them were made, or none; of a dry run, what would be'),
    refused: listOf(
      z.object({
        key: z.string().describe('the key of the config; empty: no single one is to blame'),
        why: z.string().describe('why not, for people'),
      }),
    ).describe('where there is one, nothing was changed'),
  })
  .meta({ id: 'ReloadResult' });

/** Adds it. */
export function addReload(app: App, context: AdminContext): void {
  app.post(
    '/v1/reload',
    {
      schema: {
        operationId: 'reload',
        summary: 'Read the config again, and apply it whole or not at all.',
        tags: ['act'],
        body: asked,
        response: { 200: result },
      },
    },
    async ({ body }) => {
      const { reload } = context;
      if (reload) return reload(body);
      throw new ApiError(409, 'NOTHING_TO_RELOAD', 'this gate has no config file that it could read again');
    },
  );
}
