/** `/v1/cluster` and `/v1/servers`: this gate in a few numbers, and what it knows of each server. */
import { z } from 'zod';
import type { AdminContext, App } from '../context.ts';
import { isoTime } from '../times.ts';

const count = z.int().min(0);

const cluster = z.object({
  cluster: z.string().describe('name of the cluster'),
  gate: z.string().describe('id of this gate'),
  program: z.string().describe('release of skewgate'),
  startedAt: z.iso.datetime(),
  now: z.iso.datetime().describe("by this gate's clock"),
  state: z.enum(['starting', 'serving', 'paused', 'drained', 'draining', 'stopped']),
  policy: z.string().describe('name of the preset'),
  policyHash: z.string().describe('gates with the same one decide alike'),
  listeners: z.array(z.string()).describe('as bound, with scheme'),
  level: count.nullable().describe('schema level of the system tables; null: unknown, or there are none'),
  sessions: count.describe('open ones'),
  handshakes: count.describe('clients on their way in'),
  held: count.describe('clients that wait for an upgrade'),
});

const server = z.object({
  id: z.string(),
  address: z.string(),
  protocol: z.string().describe('how the gate speaks with it'),
  state: z.enum(['up', 'draining', 'down']),
  version: z.string().nullable().describe('the last known one; null: it was never learned'),
  level: count.nullable().describe('schema level that it reports; null: it keeps no system tables'),
  sessions: count.describe('open at this gate'),
  lastError: z.string().nullable().describe('why it is down, or could not be asked'),
  lastProbeAt: z.iso
    .datetime()
    .nullable()
    .describe('when it was asked what all this is the answer to; null: it was not yet'),
});

/** Adds both. */
export function addCluster(app: App, context: AdminContext): void {
  const { clock } = context;
  app.get(
    '/v1/cluster',
    {
      schema: {
        operationId: 'getCluster',
        summary: 'This gate and its cluster in a few numbers.',
        tags: ['see'],
        response: { 200: cluster },
      },
    },
    async () => {
      const { gate, identity, config, settings, startedAt, program, migration } = context;
      const { state, addresses, sessions, handshakes, held } = gate.status();
      return {
        ...identity,
        program,
        startedAt: isoTime(startedAt),
        now: isoTime(clock.now()),
        state,
        policy: config().policy.preset,
        policyHash: settings.policyHash,
        listeners: [...addresses],
        level: migration.level,
        sessions,
        handshakes,
        held,
      };
    },
  );
  app.get(
    '/v1/servers',
    {
      schema: {
        operationId: 'getServers',
        summary: 'What is known of each server.',
        tags: ['see'],
        response: { 200: z.object({ servers: z.array(server) }) },
      },
    },
    async () => ({
      servers: context.gate.status().servers.map(({ knownAt, ...server }) => ({
        ...server,
        lastProbeAt: knownAt === null ? null : isoTime(clock.now() - (clock.monotonic() - knownAt)),
      })),
    }),
  );
}
