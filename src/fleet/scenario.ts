/** A scenario file: a fleet, steps, and what is expected of it. Read with the same care as the config. */
import { z } from 'zod';
import { checked } from '../config/checked.ts';
import { parseYaml } from '../config/load.ts';
import { configSchema } from '../config/schema.ts';
import { duration } from '../config/units.ts';
import { CODE_NAMES, type Code } from '../policy/codes.ts';
import { VERDICTS, type Verdict } from '../policy/types.ts';
import { parseMinor, parseVersion } from '../version/version.ts';
import { FAULT_NAMES } from './faults.ts';
import { LATENCY, validateScenario } from './validate.ts';

const version = checked(parseVersion);
/** A version, or a release line such as 4.14. */
const versionOrLine = checked((text) => (/^\d+\.\d+$/.test(text) ? parseMinor(text) : parseVersion(text)));
const name = z.string().min(1).max(64);
const count = z.int().min(0);
const code = z.enum(CODE_NAMES as unknown as [Code, ...Code[]]);
const cell = z.enum([...VERDICTS, ...CODE_NAMES] as [Verdict | Code, ...Array<Verdict | Code>]);

/** A real program in place of a simulated end. */
const program = {
  command: z.array(z.string().min(1)).min(1).optional(),
  handshake: z
    .boolean()
    .default(true)
    .describe('with `command`: whether it speaks the handshake; else it stands for its version'),
};

const servers = z.strictObject({
  count: z.int().min(1).max(100).default(3).describe('called rs1, rs2, …'),
  version,
  tables: version.optional().describe('the release that left the system tables; absent: no tables'),
  upgradeTime: duration.prefault('2s').describe('how long an upgrade step takes'),
  ...program,
  command: program.command.describe(
    'starts a real server, with {id}, {version}, {host} and {port} filled in; it keeps its own tables',
  ),
});

const group = z.strictObject({
  name,
  count: z.int().min(1).max(1_000_000).default(1),
  version,
  over: duration.prefault('0s').describe('they arrive over this time'),
  arrival: z
    .enum(['evenly', 'randomly', 'faster'])
    .optional()
    .describe('spread evenly over it (the default), at random, or few at first and ever more'),
  stay: duration.optional().describe('how long a session lasts; absent: until told otherwise'),
  again: duration.optional().describe('comes again so long after its session ended or was refused'),
  upgrade: z.enum(['may', 'must-not']).default('may').describe('whether it may bring the upgrade'),
  ...program,
  command: program.command.describe(
    'runs a real client for as long as its session lasts, with {name}, {version}, {url}, {host} and {port} filled in',
  ),
});

/** Exactly one key each. */
const step = z
  .strictObject({
    connect: name
      .optional()
      .describe('a group arrives, who is there comes anew; the next step comes once all have set out'),
    arrive: name.optional().describe('the same, but the next step comes at once'),
    disconnect: name.optional().describe("a group's sessions end, and it stays away"),
    change: z
      .strictObject({ group: name, to: version })
      .optional()
      .describe('a group is upgraded or downgraded, and comes again'),
    roll: z
      .strictObject({
        to: version,
        servers: z.array(name).min(1).optional().describe('these, in this order; absent: all'),
        batch: z.int().min(1).default(1),
        pause: duration.prefault('1s').describe('after each batch'),
        grace: duration.prefault('5s').describe('that sessions get to end on a server that leaves'),
        health: duration
          .optional()
          .describe('before the next batch, every gate has to see this one up within this time'),
      })
      .optional()
      .describe('servers are restarted on another version, a batch at a time'),
    restart: name
      .optional()
      .describe('a server or gate goes in order, as when it is told to stop, and comes back'),
    kill: name.optional().describe('a server or gate dies at once'),
    start: name.optional().describe('a dead server or gate comes back'),
    pause: name.optional().describe('a server or gate stands still'),
    resume: name.optional().describe('it goes on'),
    cut: z.tuple([name, name]).optional().describe('the link between two of them is gone'),
    heal: z.tuple([name, name]).optional().describe('the link is there again'),
    wait: duration.optional().describe('time passes'),
    run: z
      .strictObject({
        command: z.array(z.string().min(1)).min(1).describe('a program and its arguments'),
        status: z.int().min(0).max(255).default(0).describe('that it has to end with'),
        timeout: duration.prefault('60s'),
      })
      .optional()
      .describe('a program is run to its end; needs real processes'),
    operator: z
      .enum(['approve', 'block', 'unblock', 'retry', 'abort'])
      .optional()
      .describe('what an operator does about the upgrade'),
    expect: z
      .lazy(() => something(expectation))
      .optional()
      .describe('what should be so by now'),
  })
  .refine((value) => Object.values(value).filter((part) => part !== undefined).length === 1, {
    message: 'a step has exactly one key',
    when: ({ issues }) => issues.length === 0,
  });

/** What names nothing compares nothing, and would always hold. */
const something = <T extends z.ZodType>(schema: T) =>
  schema.refine((value) => typeof value !== 'object' || value === null || Object.keys(value).length > 0, {
    message: 'needs at least 1 entry',
    when: ({ issues }) => issues.length === 0,
  });

const expectation = z.strictObject({
  dropped: count.optional().describe('sessions that ended otherwise than by their own will'),
  lost: count.optional().describe('attempts that ended without an answer of a gate'),
  admitted: z
    .union([count, something(z.record(version, count))])
    .optional()
    .describe('in all, or by client version'),
  refused: z
    .union([count, something(z.partialRecord(code, z.union([count, something(z.record(version, count))])))])
    .optional()
    .describe('in all, by code, or by code and client version'),
  decisions: z
    .partialRecord(code, count)
    .optional()
    .describe('every code that was decided, with its count; no other occurred'),
  waited: count.optional().describe('clients that were held before they were admitted or refused'),
  upgrades: z
    .array(z.int().min(0))
    .optional()
    .describe('levels that steps of upgrades reached, in order: each once'),
  level: z.int().min(0).optional().describe('of the system tables'),
  longestWait: duration.optional().describe('no admitted client waited longer'),
  sessions: count.optional().describe('open now'),
  matrix: something(z.record(versionOrLine, z.union([cell, something(z.record(versionOrLine, cell))])))
    .optional()
    .describe('verdict or code for a client: of the fleet as it stands, or at servers of each version'),
});

/** Without what no single field can be blamed for: `parseScenario` checks that too. */
export const scenarioSchema = z.strictObject({
  name: z.string().min(1),
  about: z.string().optional(),
  seed: z.int().min(0).default(1),
  gates: z.int().min(1).max(20).default(1).describe('called gate1, gate2, …, with one ledger'),
  servers,
  clients: z.array(group).default([]),
  network: z
    .strictObject({
      latency: duration.prefault(`${LATENCY}ms`).describe('one way'),
      loss: z.number().min(0).max(0.5).default(0).describe('of packets, each of which comes 200 ms late'),
    })
    .prefault({}),
  policy: configSchema.shape.policy,
  catalogue: configSchema.shape.catalogue,
  migration: configSchema.shape.migration,
  timeouts: configSchema.shape.timeouts,
  fault: z.enum(FAULT_NAMES).optional().describe('planted in a fleet on virtual time, to see it found'),
  steps: z.array(step).min(1),
  expect: something(
    expectation.extend({
      invariants: z.literal('hold').optional().describe('what always must hold does, on virtual time'),
    }),
  ).optional(),
});

const wholeSchema = scenarioSchema.superRefine((scenario, context) => {
  for (const { path, message } of validateScenario(scenario))
    context.addIssue({ code: 'custom', path: [...path], message });
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type Step = Scenario['steps'][number];
export type Group = Scenario['clients'][number];
export type Expectation = z.infer<typeof expectation>;

/** @throws {ConfigError} with line and field. */
export function parseScenario(text: string, file = 'scenario'): Scenario {
  return parseYaml(text, file, wholeSchema);
}
