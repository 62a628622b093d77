/** What fields of several records are made of: units, words from lists that grow, and what stands in every record. */
import { z } from 'zod';
import { CODE_NAMES, type Code } from '../policy/codes.ts';
import { RULES } from '../policy/types.ts';
/** A word of a list that grows with later gates. */
export function openWord<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words).meta({ open: true });
}
/** Milliseconds. */
export const ms = z.number().min(0);
/** A number of things. */
export const count = z.int().min(0);
/** A schema level. */
export const level = z.int().min(0);
/** A schema level; null: nobody knows it. */
export const nullableLevel = level.nullable();
/** ISO 8601, UTC. */
export const time = z.iso.datetime();
/** What a decision or an end is for. */
export const code = openWord(CODE_NAMES as readonly [Code, ...Code[]]);
/** The rule of the policy that decided. */
export const rule = openWord(RULES);
/** How a server is. */
export const state = openWord(['up', 'draining', 'down']);
/** What clients say of themselves. */
export const properties = z
  .record(z.string(), z.string())
  .describe(
    'of what the client says of itself, what `log.properties` names; values are cut at 256 characters',
  );
/** A client, by what the config calls it; null: it is not known to be one. */
export const identity = z.string().nullable();

/** What stands in every record. */
export const common = {
  time: time.describe('when it was written: ISO 8601, UTC, to the millisecond'),
  gate: z.string().describe("the gate's `id`"),
  cluster: z.string().describe("the cluster's name"),
};
