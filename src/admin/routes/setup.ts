/** `/v1/gates`, `/v1/policy`, `/v1/config`, `/v1/audit`: which gates there are, what this one decides by, and who did what. */
import { z } from 'zod';
import { hashCatalogue } from '../../config/policy.ts';
import { sessionsByLine } from '../../gateway/sessions-by-line.ts';
import { auditOf } from '../audit.ts';
import type { AdminContext, App } from '../context.ts';
import { count, listOf, time } from '../schemas/common.ts';
import { withoutSecrets } from '../secrets.ts';
import { isoTime } from '../times.ts';

const gateView = z
  .object({
    id: z.string(),
    isSelf: z.boolean().describe('whether it is the gate that answers'),
    admin: z.string().nullable().describe('where its admin side is; null: it has none'),
    program: z.string().describe('release of skewgate'),
    policyHash: z.string().describe('gates with the same one decide alike'),
    catalogueHash: z.string(),
    state: z.enum(['starting', 'serving', 'paused', 'drained', 'draining', 'stopped']),
    startedAt: time,
    lastSeenAt: time,
    sessions: z.record(z.string(), count).describe('open ones by release line'),
  })
  .meta({ id: 'Gate' });

const act = z
  .object({
    id: z.string(),
    time,
    what: z.string().describe('the verb'),
    stage: z.enum(['begun', 'done', 'lapsed', 'refused']),
    by: z.string(),
    reason: z.string().describe('empty: nobody said'),
    sentence: z.string().describe('what it did, for people'),
    target: z.object({ kind: z.string(), name: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'Act' });

/** Adds all of them. */
export function addSetup(app: App, context: AdminContext): void {
  app.get(
    '/v1/gates',
    {
      schema: {
        operationId: 'getGates',
        summary: 'All gates that share the ledger, this one among them.',
        tags: ['see'],
        response: {
          200: z.object({
            gates: listOf(gateView),
            trouble: z
              .string()
              .nullable()
              .describe('why what is known of the others may be old; null: it is not'),
          }),
        },
      },
    },
    async () => ({
      gates: gatesOf(context),
      trouble: context.coordination?.standing.why ?? null,
    }),
  );
  app.get(
    '/v1/policy',
    {
      schema: {
        operationId: 'getPolicy',
        summary: 'The policy by which this gate decides, with its release catalogue.',
        tags: ['see'],
        response: {
          200: z.object({
            policyHash: z.string(),
            catalogueHash: z.string(),
            policy: z.record(z.string(), z.unknown()),
          }),
        },
      },
    },
    async () => {
      const { policy, policyHash } = context.settings;
      return { policyHash, catalogueHash: hashCatalogue(policy), policy: { ...policy } };
    },
  );
  app.get(
    '/v1/config',
    {
      schema: {
        operationId: 'getConfig',
        summary: 'The config that this gate goes by, with defaults. What could be a secret is `***`.',
        tags: ['see'],
        response: { 200: z.object({ config: z.record(z.string(), z.unknown()) }) },
      },
    },
    async () => ({ config: withoutSecrets(context.config()) as Record<string, unknown> }),
  );
  app.get(
    '/v1/audit',
    {
      schema: {
        operationId: 'getAudit',
        summary:
          'What operators did to this gate since it started, and to the upgrade ever, newest first. All of it is in the decision log.',
        tags: ['see'],
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(100) }),
        response: { 200: z.object({ acts: listOf(act) }) },
      },
    },
    async ({ query: { limit } }) => ({ acts: await auditOf(context, limit) }),
  );
}

function gatesOf(context: AdminContext): z.output<typeof gateView>[] {
  const { coordination, gate, identity, settings, clock, program, startedAt } = context;
  const now = clock.now();
  if (coordination !== null)
    return coordination.gates().map(({ ageMs, startedAt: begun, instance: _, heeds: __, ...rest }) => ({
      ...rest,
      startedAt: isoTime(begun),
      lastSeenAt: isoTime(now - ageMs),
    }));
  const { policy, policyHash } = settings;
  return [
    {
      id: identity.gate,
      isSelf: true,
      admin: null,
      program,
      policyHash,
      catalogueHash: hashCatalogue(policy),
      state: gate.lifecycle.state,
      startedAt: isoTime(startedAt),
      lastSeenAt: isoTime(now),
      sessions: sessionsByLine(gate),
    },
  ];
}
