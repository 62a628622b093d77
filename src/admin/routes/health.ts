/** `/live` and `/ready`: for whatever restarts the gate, and for whatever sends clients to it. */
import { z } from 'zod';
import type { AdminContext, App } from '../context.ts';

const live = z.object({ live: z.literal(true) }).describe('the process answers');

const ready = z.object({
  ready: z.boolean().describe('whether clients should be sent here'),
  state: z.enum(['starting', 'serving', 'paused', 'drained', 'draining', 'stopped']).describe('of the gate'),
  reasons: z.array(z.string()).describe('why not, for people; empty: it is ready'),
});

/** Adds both. */
export function addHealth(app: App, context: AdminContext): void {
  app.get(
    '/live',
    {
      schema: {
        operationId: 'getLive',
        summary: 'Whether the process answers.',
        tags: ['health'],
        response: { 200: live },
      },
    },
    async () => ({ live: true }) as const,
  );
  app.get(
    '/ready',
    {
      schema: {
        operationId: 'getReady',
        summary:
          'Whether clients should be sent here: the ledger is within reach, a server is usable, and the gate does not drain.',
        tags: ['health'],
        response: { 200: ready, 503: ready },
      },
    },
    async (_request, reply) => {
      const reasons = whyNotReady(context);
      const isReady = reasons.length === 0;
      reply.code(isReady ? 200 : 503);
      return { ready: isReady, state: context.gate.status().state, reasons };
    },
  );
}

/** Why no client should be sent to a gate, for people. One that is paused is ready: its clients wait for it. */
export function whyNotReady({ gate, cluster, migration }: AdminContext): string[] {
  const { state } = gate.lifecycle;
  const isUsable = cluster.servers.some((server) => server.state === 'up' && server.version !== null);
  return [
    ...(gate.orders.gateDrain === null ? [] : ['an operator drained the gate']),
    ...(state === 'starting' ? ['the gate is starting'] : []),
    ...(gate.isLeaving || state === 'draining' || state === 'stopped' ? ['the gate is about to stop'] : []),
    ...(migration.standing?.kind === 'unavailable'
      ? [`the ledger can not be read: ${migration.standing.why}`]
      : []),
    ...(isUsable ? [] : ['no server is usable']),
  ];
}
