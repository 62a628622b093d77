/** `POST /v1/pause` and the like: what an operator does, each with a preview, a reason, and an answer once it is true. */
import { z } from 'zod';
import type { AskedOrder } from '../../gateway/operations.ts';
import type { Target } from '../../gateway/orders.ts';
import type { AdminContext, App } from '../context.ts';
import { ApiError } from '../errors.ts';
import { count, listOf, time } from '../schemas/common.ts';
import { asked, askedOrder, duration, durationOr, effect, target } from '../schemas/verbs.ts';

/** What a drain is of: one of these, or the gate where none is stated. */
const targets = {
  server: z.string().max(128).optional().describe('id of a server, which gets no new sessions'),
  listener: z.string().max(256).optional().describe('address of a listener, with scheme, as bound'),
  clients: z
    .string()
    .max(256)
    .optional()
    .describe('a range of client releases such as `<4.14` or `4.12.x`; new ones are refused'),
};

const pause = askedOrder.extend({
  for: durationOr('forever')
    .optional()
    .describe('how long at most, such as `10m`; `forever`: until resumed; absent: 5 minutes'),
});

const drain = askedOrder.extend({
  ...targets,
  over: durationOr('never')
    .optional()
    .describe(
      'over which time sessions end evenly, oldest release first; `never`: they end as they like; absent: `timeouts.drain`',
    ),
  for: duration.optional().describe('after which it ends by itself; absent: not before `undrain`'),
  wait: duration
    .optional()
    .describe('how long to wait for the last session at most; absent: until `over` is over'),
});

const order = z
  .object({
    id: z.string(),
    what: z.enum(['pause', 'drain']),
    target,
    by: z.string(),
    reason: z.string(),
    at: time,
    until: time.nullable().describe('when it ends by itself; null: it does not'),
    overMs: z.number().nullable().describe('over which sessions end; null: as they like'),
    scope: z.enum(['gate', 'cluster']).describe('`cluster`: for all gates that share the ledger'),
    sessions: count.describe('sessions that a drain ends'),
    left: count.describe('of those, the ones that are open'),
  })
  .meta({ id: 'Order' });

/** Adds all of them. */
export function addVerbs(app: App, context: AdminContext): void {
  const document = <Body extends z.ZodType>(operationId: string, summary: string, body: Body) => ({
    schema: { operationId, summary, tags: ['act'], body, response: { 200: effect } },
  });
  const operations = () => context.gate.operations;
  app.get(
    '/v1/orders',
    {
      schema: {
        operationId: 'getOrders',
        summary: 'What operators have paused and drained, oldest first, and how far it is.',
        tags: ['see'],
        response: { 200: z.object({ orders: listOf(order) }) },
      },
    },
    async () => ({ orders: operations().list() }),
  );
  app.post(
    '/v1/pause',
    document('pause', 'Let new clients wait; sessions go on.', pause),
    ({ body: { for: ms, ...rest } }) =>
      operations().pause({
        ...ordered(rest),
        forMs: ms,
      }),
  );
  app.post('/v1/resume', document('resume', 'Admit clients again.', askedOrder), ({ body }) =>
    operations().resume(ordered(body)),
  );
  app.post(
    '/v1/drain',
    document(
      'drain',
      'Take nothing new for a server, a listener, a range of client releases or the gate, and let its sessions end.',
      drain,
    ),
    ({ body: { for: forMs, over, wait: waitMs, server, listener, clients, ...rest } }) =>
      operations().drain({
        ...ordered(rest),
        target: targetOf({ server, listener, clients }),
        forMs,
        overMs: over,
        waitMs,
      }),
  );
  app.post(
    '/v1/undrain',
    document('undrain', 'Take back every drain of a target.', askedOrder.extend(targets)),
    ({ body: { server, listener, clients, ...rest } }) =>
      operations().undrain({ ...ordered(rest), target: targetOf({ server, listener, clients }) }),
  );
  app.post(
    '/v1/kick',
    document(
      'kick',
      'Close one session.',
      asked.extend({ session: z.string().min(1).max(128).describe('its id') }),
    ),
    ({ body }) => operations().kick(body),
  );
}

function ordered({ allGates, ...rest }: z.output<typeof askedOrder>): AskedOrder {
  return { ...rest, scope: allGates ? 'cluster' : 'gate' };
}

type Targets = { readonly [Kind in keyof typeof targets]?: string | undefined };

/** @throws {ApiError} if there is more than one */
function targetOf({ server, listener, clients }: Targets): Target {
  const stated: Target[] = [];
  if (server !== undefined) stated.push({ kind: 'server', id: server });
  if (listener !== undefined) stated.push({ kind: 'listener', address: listener });
  if (clients !== undefined) stated.push({ kind: 'clients', range: clients });
  if (stated.length > 1)
    throw new ApiError(400, 'INVALID', 'state one of server, listener and clients, or none for the gate');
  return stated[0] ?? { kind: 'gate' };
}
