/** A scenario file: a fleet, steps, and what is expected of it. Read with the same care as the config. */
import { z } from 'zod';
import { parseYaml } from '../config/load.ts';
import { expectationSchema, something } from './expectation-schema.ts';
import { fleetShape } from './fleet-schema.ts';
import { stepSchema } from './steps/registry.ts';
import { validateScenario } from './validate.ts';

/** Checks each field by itself. `parseScenario` also checks what concerns several fields at once. */
export const scenarioSchema = z.strictObject({
  name: z.string().min(1).describe('what reports call it'),
  about: z.string().optional().describe('what it shows, in a sentence'),
  ...fleetShape,
  steps: z
    .array(stepSchema)
    .min(1)
    .describe('what is done to the fleet, in order; each step has one key, its verb'),
  expect: something(
    expectationSchema.extend({
      invariants: z.literal('hold').optional().describe('what always must hold does, on virtual time'),
    }),
  )
    .optional()
    .describe('what has to be so at the end'),
});

const wholeSchema = scenarioSchema.superRefine((scenario, context) => {
  // What its schema refuses is no scenario yet.
  if (context.issues.length > 0) return;
  for (const { path, message } of validateScenario(scenario))
    context.addIssue({ code: 'custom', path: [...path], message });
});

/** A fleet, what is done to it, and what is expected of it. */
export type Scenario = z.infer<typeof scenarioSchema>;

/**
 * Reads a scenario file.
 *
 * @param file what errors call it
 * @throws {ConfigError} with line and field
 */
export function parseScenario(text: string, file = 'scenario'): Scenario {
  return parseYaml(text, file, wholeSchema);
}
