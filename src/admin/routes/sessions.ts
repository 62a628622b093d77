/** `/v1/sessions`: who is connected to what; a page of them, filtered and sorted. */
import { z } from 'zod';
import type { SessionView } from '../../gateway/sessions.ts';
import type { AdminContext, App } from '../context.ts';
import { ApiError } from '../errors.ts';
import { isRelease } from '../releases.ts';
import { isoTime } from '../times.ts';

const MOST = 1_000;
const SORTS = [
  'startedAt',
  'client',
  'server',
  'listener',
  'peer',
  'bytesFromClient',
  'bytesFromServer',
] as const;
type Sort = (typeof SORTS)[number];
const DIRECTIONS = SORTS.flatMap((sort) => [sort, `-${sort}`] as const);

const session = z.object({
  session: z.string().describe('its id'),
  client: z.string().describe("the client's version"),
  driver: z.string().describe('what the client calls its driver'),
  properties: z
    .record(z.string(), z.string())
    .describe('of what the client says of itself, what may be recorded'),
  identity: z.string().nullable().describe('what the config calls the client; null: it is not known'),
  server: z.string().describe('id of the server'),
  listener: z.string().describe('the address that the client came to'),
  peer: z.string().describe("the client's address"),
  startedAt: z.iso.datetime(),
  bytesFromClient: z.int().min(0),
  bytesFromServer: z.int().min(0),
});

const query = z.strictObject({
  client: z
    .string()
    .max(64)
    .optional()
    .describe('a version, or the beginning of one: `4.14` is its release line'),
  server: z.string().max(128).optional(),
  listener: z.string().max(256).optional(),
  peer: z.string().max(256).optional().describe('an address, or the beginning of one'),
  sort: z.enum(DIRECTIONS).default('startedAt').describe('a minus turns the order round'),
  limit: z.coerce.number().int().min(1).max(MOST).default(100),
  cursor: z.string().max(512).optional().describe('`next` of the page before'),
});

/** Where a page ends: the value that it is sorted by and, where several have it, the session. */
type Place = readonly [value: string | number, session: string];

/** Adds it. */
export function addSessions(app: App, context: AdminContext): void {
  app.get(
    '/v1/sessions',
    {
      schema: {
        operationId: 'getSessions',
        summary: 'Open sessions, a page at a time.',
        tags: ['see'],
        querystring: query,
        response: {
          200: z.object({
            sessions: z.array(session),
            next: z.string().nullable().describe('cursor of the next page; null: this is the last one'),
            total: z.int().min(0).describe('how many the filter lets through'),
          }),
        },
      },
    },
    async ({ query: { sort, limit, cursor, ...filter } }) => {
      const compare = order(sort);
      const found = context.gate.sessions.list().filter((view) => isWanted(view, filter));
      const after = cursor === undefined ? null : readCursor(cursor);
      const rest = found
        .map((view) => ({ view, place: placeOf(view, sort) }))
        .filter(({ place }) => after === null || compare(place, after) > 0)
        .sort((one, other) => compare(one.place, other.place));
      const page = rest.slice(0, limit);
      const last = page.at(-1);
      return {
        sessions: page.map(({ view }) => spell(view)),
        next: rest.length > limit && last !== undefined ? writeCursor(last.place) : null,
        total: found.length,
      };
    },
  );
}

function isWanted(
  view: SessionView,
  {
    client,
    server,
    listener,
    peer,
  }: Partial<Record<'client' | 'server' | 'listener' | 'peer', string | undefined>>,
): boolean {
  return (
    (client === undefined || isRelease(view.client, client)) &&
    (server === undefined || view.server === server) &&
    (listener === undefined || view.listener === listener) &&
    (peer === undefined || view.peer.startsWith(peer))
  );
}

function placeOf(view: SessionView, direction: string): Place {
  const sort = direction.replace('-', '') as Sort;
  return [sort === 'startedAt' ? view.since : view[sort], view.session];
}

function order(direction: string): (one: Place, other: Place) => number {
  const sign = direction.startsWith('-') ? -1 : 1;
  return ([value, id], [otherValue, otherId]) =>
    sign * (compareValues(value, otherValue) || compareValues(id, otherId));
}

/** Versions and addresses by the numbers in them. */
const collator = new Intl.Collator('en', { numeric: true });

function compareValues(one: string | number, other: string | number): number {
  return typeof one === 'number' && typeof other === 'number'
    ? one - other
    : collator.compare(String(one), String(other));
}

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

const placeSchema = z.tuple([z.union([z.string(), z.number()]), z.string()]);

/** @throws {ApiError} */
function readCursor(cursor: string): Place {
  try {
    return placeSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw new ApiError(400, 'INVALID', 'cursor: this is not `next` of a page', 'cursor');
  }
}

function spell({ since, ...view }: SessionView): z.infer<typeof session> {
  return { ...view, startedAt: isoTime(since) };
}
