/** A scenario file: a fleet, steps, and what is expected of it. Read with the same care as the config. */
import { z } from 'zod';
import { parseYaml } from '../config/load.ts';
import { configSchema } from '../config/schema.ts';
import { duration } from '../config/units.ts';
import { CODE_NAMES, type Code } from '../policy/codes.ts';
import { parseVersion } from '../version/version.ts';

const version = z.string().superRefine((text, context) => {
  try {
    parseVersion(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
});
const name = z.string().min(1).max(64);
const count = z.int().min(0);
const code = z.enum(CODE_NAMES as unknown as [Code, ...Code[]]);

const servers = z.strictObject({
  count: z.int().min(1).max(100).default(3).describe('called rs1, rs2, …'),
  version,
  tables: version.optional().describe('the release that left the system tables; absent: no tables'),
  upgradeTime: duration.prefault('2s').describe('how long an upgrade step takes'),
});

const group = z.strictObject({
  name,
  count: z.int().min(1).max(1_000_000).default(1),
  version,
  over: duration.prefault('0s').describe('they arrive evenly over this time'),
  stay: duration.optional().describe('how long a session lasts; absent: until told otherwise'),
  again: duration.optional().describe('comes again so long after its session ended or was refused'),
  upgrade: z.enum(['may', 'must-not']).default('may').describe('whether it may bring the upgrade'),
});

/** Exactly one key each. */
const step = z
  .strictObject({
    connect: z.string().optional().describe('a group arrives'),
    disconnect: z.string().optional().describe("a group's sessions end"),
    change: z
      .strictObject({ group: name, to: version })
      .optional()
      .describe('a group is upgraded or downgraded, and comes again'),
    roll: z
      .strictObject({
        to: version,
        batch: z.int().min(1).default(1),
        pause: duration.prefault('1s'),
        grace: duration.prefault('5s').describe('that sessions get to end on a server that leaves'),
      })
      .optional()
      .describe('servers are restarted on another version, a batch at a time'),
    restart: name.optional().describe('a server goes in order and comes back'),
    kill: name.optional().describe('a server or gate dies at once'),
    start: name.optional().describe('a dead server or gate comes back'),
    pause: name.optional().describe('a server or gate stands still'),
    resume: name.optional(),
    cut: z.tuple([name, name]).optional().describe('the link between two of them is gone'),
    heal: z.tuple([name, name]).optional(),
    wait: duration.optional(),
    operator: z.enum(['approve', 'block', 'unblock', 'retry', 'abort']).optional(),
    expect: z.lazy(() => expectation).optional(),
  })
  .refine((value) => Object.values(value).filter((part) => part !== undefined).length === 1, {
    message: 'a step has exactly one key',
  });

const expectation = z.strictObject({
  dropped: count.optional().describe('sessions that ended otherwise than by their own will'),
  admitted: z
    .union([count, z.record(version, count)])
    .optional()
    .describe('in all, or by client version'),
  refused: z
    .union([count, z.partialRecord(code, z.union([count, z.record(version, count)]))])
    .optional()
    .describe('in all, by code, or by code and client version'),
  upgrades: z
    .array(z.int().min(0))
    .optional()
    .describe('levels that upgrades completed, in order, each once'),
  level: z.int().min(0).optional().describe('of the system tables'),
  longestWait: duration.optional().describe('no admitted client waited longer'),
  sessions: count.optional().describe('open now'),
});

export const scenarioSchema = z.strictObject({
  name: z.string().min(1),
  about: z.string().optional(),
  seed: z.int().min(0).default(1),
  gates: z.int().min(1).max(20).default(1).describe('called gate1, gate2, …, with one ledger'),
  servers,
  clients: z.array(group).default([]),
  network: z
    .strictObject({
      latency: duration.prefault('1ms'),
      loss: z.number().min(0).max(0.5).default(0).describe('of packets, each of which comes 200 ms late'),
    })
    .prefault({}),
  policy: configSchema.shape.policy,
  catalogue: configSchema.shape.catalogue,
  migration: configSchema.shape.migration,
  timeouts: configSchema.shape.timeouts,
  steps: z.array(step).min(1),
  expect: expectation.optional(),
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type Step = Scenario['steps'][number];
export type Group = Scenario['clients'][number];
export type Expectation = z.infer<typeof expectation>;

/** @throws {ConfigError} with line and field. */
export function parseScenario(text: string, file = 'scenario'): Scenario {
  return parseYaml(text, file, scenarioSchema);
}
