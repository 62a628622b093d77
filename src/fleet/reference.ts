/** JSON Schemas of scenario files, and of the fleets that random plans are made for, from the schemas themselves. */
import { z } from 'zod';
import { fleetSchema } from './explore/fleet-spec.ts';
import { scenarioSchema } from './scenario.ts';

/** Of scenario files, as editors take it. */
export function scenarioJsonSchema(): object {
  return schemaOf(scenarioSchema, 'scenario', 'A scenario of a mixed-version fleet, for skewgate test');
}

/** Of fleets for random plans, as editors take it. */
export function fleetJsonSchema(): object {
  return schemaOf(fleetSchema, 'fleet', 'A mixed-version fleet, for skewgate explore');
}

function schemaOf(schema: z.ZodType, name: string, title: string): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return { $schema, $id: `urn:skewgate:${name}`, title, ...rest };
}
