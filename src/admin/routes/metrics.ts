/** `/metrics`: what Prometheus scrapes. */
import { z } from 'zod';
import type { AdminContext, App } from '../context.ts';

const text = z.string().describe("in Prometheus' text format; docs/metrics.md lists them");

/** Adds it. */
export function addMetrics(app: App, { metrics }: AdminContext): void {
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'The metrics of this gate and its process, for Prometheus.',
        tags: ['health'],
        response: { 200: { description: 'metrics', content: { 'text/plain': { schema: text } } } },
      },
    },
    async (_request, reply) => {
      reply.type(metrics.contentType);
      return metrics.text();
    },
  );
}
