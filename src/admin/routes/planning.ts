/** `/v1/next`, `/v1/what-if` and `/v1/clients`: what blocks the next step, and whom it turns away. */
import { z } from 'zod';
import { parseYaml } from '../../config/load.ts';
import { offlineSchema } from '../../config/offline.ts';
import { policyOf } from '../../config/policy.ts';
import { census } from '../../planning/census.ts';
import { nextStep } from '../../planning/next.ts';
import { whatIf } from '../../planning/what-if.ts';
import type { AdminContext, App } from '../context.ts';
import { ApiError } from '../errors.ts';
import { factsOf } from '../facts.ts';
import { listOf } from '../schemas/common.ts';
import { censusLine, next, whatIfAnswer } from '../schemas/planning.ts';
import { isoTime } from '../times.ts';

const supposition = z.strictObject({
  servers: z.string().max(64).optional().describe('what every server runs'),
  server: z.record(z.string(), z.string().max(64)).optional().describe('what single servers run, by id'),
  policy: z
    .string()
    .max(200_000)
    .optional()
    .describe('YAML with the keys `policy` and `catalogue` of a config'),
});

/** Adds all of them. */
export function addPlanning(app: App, context: AdminContext): void {
  app.get(
    '/v1/next',
    {
      schema: {
        operationId: 'getNext',
        summary: 'What blocks the next step, and who would be turned away by it.',
        tags: ['see'],
        querystring: z.strictObject({
          to: z.string().max(64).optional().describe('a release line: the whole way there, step by step'),
        }),
        response: { 200: next },
      },
    },
    async ({ query: { to } }) => nextStep(factsOf(context), to),
  );
  app.get(
    '/v1/what-if',
    {
      schema: {
        operationId: 'getWhatIf',
        summary: 'The same as the POST, for releases of servers alone.',
        tags: ['see'],
        querystring: z.strictObject({
          servers: z.string().max(64).optional().describe('what every server runs'),
          server: z
            .union([z.string().max(256), z.array(z.string().max(256)).max(1_000)])
            .optional()
            .describe('what a single server runs, as `rs2=4.16.0`; may be repeated'),
        }),
        response: { 200: whatIfAnswer },
      },
    },
    async ({ query: { servers, server = [] } }) =>
      whatIf(factsOf(context), { servers, server: Object.fromEntries([server].flat().map(assignment)) }),
  );
  app.post(
    '/v1/what-if',
    {
      schema: {
        operationId: 'askWhatIf',
        summary:
          "Which of today's sessions, and of the last hour's clients, would be refused. Changes nothing.",
        tags: ['see'],
        body: supposition,
        response: { 200: whatIfAnswer },
      },
    },
    async ({ body: { servers, server, policy } }) =>
      whatIf(factsOf(context), {
        servers,
        server,
        ...(policy !== undefined && { policy: policyOf(parseYaml(policy, 'policy', offlineSchema)) }),
      }),
  );
  app.get(
    '/v1/clients',
    {
      schema: {
        operationId: 'getClients',
        summary: 'Clients by release line: who they are, and where each line is on its way out.',
        tags: ['see'],
        response: { 200: z.object({ lines: listOf(censusLine) }) },
      },
    },
    async () => ({
      lines: census(factsOf(context)).map(({ lastSeenAt, ...line }) => ({
        ...line,
        lastSeenAt: lastSeenAt === null ? null : isoTime(lastSeenAt),
      })),
    }),
  );
}

/** `rs2=4.16.0` taken apart. @throws {ApiError} */
function assignment(text: string): [id: string, version: string] {
  const at = text.lastIndexOf('=');
  if (at < 1)
    throw new ApiError(
      400,
      'INVALID',
      `server: ${JSON.stringify(text)} is not of the form rs2=4.16.0`,
      'server',
    );
  return [text.slice(0, at), text.slice(at + 1)];
}
