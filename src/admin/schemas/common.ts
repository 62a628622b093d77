/** Parts that several schemas of the API have. */
import { z } from 'zod';
import { CODE_NAMES, type Code } from '../../policy/codes.ts';
import { RULES, VERDICTS } from '../../policy/types.ts';

/** A list that is only read, which the document need not say. */
export function listOf<S extends z.ZodType>(schema: S): z.ZodType<readonly z.output<S>[]> {
  return z.array(schema);
}

export const count = z.int().min(0);
export const time = z.iso.datetime().describe('ISO 8601, UTC, to the millisecond');
export const code = z.enum(CODE_NAMES as readonly [Code, ...Code[]]);
export const rule = z.enum(RULES);
export const verdict = z.enum(VERDICTS);

export const move = z
  .object({
    side: z.enum(['client', 'server', 'operator']).describe('who has to move'),
    to: z.string().describe('a release line, a version, or what an operator should do'),
    who: listOf(z.string()).describe("server ids, or clients' versions"),
  })
  .meta({ id: 'Move' });
