/** `/v1/decisions`: what was decided lately, a page at a time or as it happens, and refusals by their reason. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RECORDS } from '../../decision/schema.ts';
import type { HandshakeEvent } from '../../events/events.ts';
import type { AdminContext, App } from '../context.ts';
import { ApiError } from '../errors.ts';
import { EventStreams } from '../event-stream.ts';
import type { Recent, Timed } from '../recent.ts';
import { isRelease } from '../releases.ts';
import type { Numbered } from '../ring.ts';
import { isoTime } from '../times.ts';

const MOST = 1_000;
/** Decisions that a stream begins with, unless its reader has some already. */
const BACKLOG = 100;

const decision = RECORDS.handshake.schema
  .omit({ event: true, gate: true, cluster: true })
  .required({ trace: true })
  .extend({ id: z.string().describe('counts up; `Last-Event-ID` of a stream') })
  .loose();
type DecisionView = z.infer<typeof decision>;

const filter = z.strictObject({
  verdict: z.enum(['permit', 'refuse']).optional(),
  code: z.string().max(64).optional(),
  client: z
    .string()
    .max(64)
    .optional()
    .describe('a version, or the beginning of one: `4.14` is its release line'),
  server: z.string().max(128).optional(),
  peer: z.string().max(256).optional().describe('an address, or the beginning of one'),
});
type Filter = z.infer<typeof filter>;

const query = filter.extend({
  limit: z.coerce.number().int().min(1).max(MOST).default(100),
  cursor: z.string().max(64).optional().describe('`next` of the page before'),
});

const refusal = z.object({
  code: z.string(),
  side: z.enum(['client', 'server', 'operator']).nullable().describe('who has to move; null: nobody'),
  to: z.string().nullable().describe('where to'),
  who: z.array(z.string()).describe('server ids, or versions of clients; bounded'),
  line: z.string().nullable().describe("the clients' release line; null: their version was not read"),
  count: z.int().min(1),
  lastAt: z.iso.datetime(),
});

/** Adds all of them. */
export function addDecisions(app: App, context: AdminContext): void {
  const streams = new EventStreams(context.clock);
  const stream = (wanted: Filter, request: FastifyRequest, reply: FastifyReply) => {
    const { recent } = context;
    const last = request.headers['last-event-id'];
    const after =
      typeof last === 'string' ? placeOf(last, recent) : Math.max(0, recent.decisions.last - BACKLOG);
    const spell = (entry: Numbered<Timed<HandshakeEvent>>) => {
      const data = spellDecision(entry, recent);
      return isWanted(data, wanted) ? { id: data.id, data } : null;
    };
    return streams.open(request, reply, { ring: recent.decisions, after, spell, name: 'decision' });
  };
  app.get(
    '/v1/decisions',
    {
      schema: {
        operationId: 'getDecisions',
        summary:
          'The latest decisions, newest first, a page at a time; older ones are in the decision log. To who accepts `text/event-stream` it is /v1/decisions/live.',
        tags: ['see'],
        querystring: query,
        response: {
          200: z.object({
            decisions: z.array(decision),
            next: z.string().nullable().describe('cursor of the next page; null: this is the last one'),
          }),
        },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...wanted } = request.query;
      if (request.headers.accept?.includes('text/event-stream'))
        return stream(wanted, request, reply) as never;
      return page(context.recent, wanted, limit, cursor);
    },
  );
  app.get(
    '/v1/decisions/live',
    {
      schema: {
        operationId: 'followDecisions',
        summary:
          'Decisions as they are made, as server-sent events `decision`; `lost` says how many a reader was too slow for. `Last-Event-ID` goes on from there.',
        tags: ['see'],
        querystring: filter,
        response: {
          200: {
            description: 'goes on until the reader ends it',
            content: { 'text/event-stream': { schema: z.string() } },
          },
        },
      },
    },
    // What is sent of the text piece by piece is of no other type in the document.
    async (request, reply) => stream(request.query, request, reply) as unknown as string,
  );
  app.get(
    '/v1/refusals',
    {
      schema: {
        operationId: 'getRefusals',
        summary: 'Refusals of the last hour by reason and by who has to move, the most frequent first.',
        tags: ['see'],
        response: { 200: z.object({ refusals: z.array(refusal) }) },
      },
    },
    async () => ({
      refusals: context.recent.refusals
        .list(context.clock.now())
        .map(({ lastAt, ...rest }) => ({ ...rest, who: [...rest.who], lastAt: isoTime(lastAt) })),
    }),
  );
}

function page(recent: Recent, wanted: Filter, limit: number, cursor: string | undefined) {
  const decisions: DecisionView[] = [];
  let next: string | null = null;
  for (const entry of recent.decisions.backwards(
    cursor === undefined ? undefined : placeIn(cursor, recent),
  )) {
    const view = spellDecision(entry, recent);
    if (!isWanted(view, wanted)) continue;
    if (decisions.length === limit) {
      next = decisions.at(-1)?.id ?? null;
      break;
    }
    decisions.push(view);
  }
  return { decisions, next };
}

/** As a record of the decision log has it, without the gate that wrote it, and always with its trace. */
function spellDecision(
  { number, value: { event, at } }: Numbered<Timed<HandshakeEvent>>,
  { epoch }: Recent,
): DecisionView {
  const { event: _, decision: made, ...rest } = event;
  return { id: `${epoch}-${number}`, time: isoTime(at), ...rest, ...made };
}

function isWanted(view: DecisionView, { verdict, code, client, server, peer }: Filter): boolean {
  return (
    (verdict === undefined || view.verdict === verdict) &&
    (code === undefined || view.code === code) &&
    (client === undefined || (view.client !== null && isRelease(view.client, client))) &&
    (server === undefined || view.server === server) &&
    (peer === undefined || view.peer.startsWith(peer))
  );
}

/** Number of the last entry that a reader has. What comes from another process, or can't be read, is none of these. */
function placeOf(id: string, { epoch, decisions }: Recent): number {
  const [of, number] = id.split('-');
  const place = Number(number);
  return of === epoch && Number.isSafeInteger(place) && place >= 0 ? Math.min(place, decisions.last) : 0;
}

/** @throws {ApiError} */
function placeIn(cursor: string, recent: Recent): number {
  const [, number] = /^\w+-(\d{1,15})$/.exec(cursor) ?? [];
  if (number === undefined)
    throw new ApiError(400, 'INVALID', 'cursor: this is not `next` of a page', 'cursor');
  // Of a process that is gone there is nothing left.
  return cursor.startsWith(`${recent.epoch}-`) ? Number(number) : 0;
}
