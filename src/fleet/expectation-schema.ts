/** What a scenario can expect of a fleet at a step, by a deadline, or at its end. */
import { z } from 'zod';
import { checked } from '../config/checked.ts';
import { duration } from '../config/units.ts';
import { CODE_NAMES, type Code } from '../policy/codes.ts';
import { VERDICTS, type Verdict } from '../policy/types.ts';
import { versionOf } from './current-policy.ts';
import { version } from './fleet-schema.ts';

/** A version, or a release line such as 4.14. */
const versionOrLine = checked(versionOf).meta({ pattern: String.raw`^\d+\.\d+(\.\d+([-+].*)?)?$` });
const count = z.int().min(0);
const code = z.enum(CODE_NAMES as unknown as [Code, ...Code[]]);
const cell = z.enum([...VERDICTS, ...CODE_NAMES] as [Verdict | Code, ...Array<Verdict | Code>]);

/** Refuses an empty object: it would compare nothing, and so always hold. */
export const something = <T extends z.ZodType>(schema: T) =>
  schema.refine((value) => typeof value !== 'object' || value === null || Object.keys(value).length > 0, {
    message: 'needs at least 1 entry',
    when: ({ issues }) => issues.length === 0,
  });

export const expectationSchema = z.strictObject({
  dropped: count.optional().describe('sessions that ended although their client wanted them to go on'),
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

/** What is expected of a fleet at a moment. */
export type Expectation = z.infer<typeof expectationSchema>;
