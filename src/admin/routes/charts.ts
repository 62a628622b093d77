/** `/v1/charts`: numbers of the last hours, as columns that can be drawn as they are. */
import { z } from 'zod';
import type { AdminContext, App } from '../context.ts';

const column = z.array(z.number().nullable());

/** Adds it. */
export function addCharts(app: App, context: AdminContext): void {
  app.get(
    '/v1/charts',
    {
      schema: {
        operationId: 'getCharts',
        summary: 'Sessions, admissions and refusals of the last six hours, every 20 seconds, oldest first.',
        tags: ['see'],
        response: {
          200: z.object({
            times: z.array(z.number()).describe('s since the epoch; the last one is now'),
            lines: z.record(z.string(), column).describe('open sessions by release line'),
            held: column.describe('clients that wait'),
            admitted: column.describe('since the time before'),
            refused: column.describe('since the time before'),
          }),
        },
      },
    },
    async () => context.recent.charts.columns(),
  );
}
