/** `/v1/waiting`: the clients that are held, for how long already, and for what. */
import { z } from 'zod';
import type { AdminContext, App } from '../context.ts';
import { isoTime } from '../times.ts';

const MOST = 1_000;

const waiting = z
  .object({
    connection: z.string().describe('id of the attempt, as in its decision'),
    client: z.string().describe("the client's version"),
    peer: z.string().describe("the client's address"),
    since: z.iso.datetime(),
    code: z.string().describe('of the verdict that holds it now'),
    message: z.string().describe('what it waits for, for people'),
  })
  .meta({ id: 'WaitingClient' });

/** Adds it. */
export function addWaiting(app: App, { gate, clock }: AdminContext): void {
  app.get(
    '/v1/waiting',
    {
      schema: {
        operationId: 'getWaiting',
        summary: `Clients that wait, those that came first; ${MOST} at most.`,
        tags: ['see'],
        response: { 200: z.object({ waiting: z.array(waiting) }) },
      },
    },
    async () => ({
      waiting: gate
        .heldClients(MOST)
        .map(({ waitedMs, ...client }) => ({ ...client, since: isoTime(clock.now() - waitedMs) })),
    }),
  );
}
