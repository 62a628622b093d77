/** JSON Schemas of scenario files, and of the fleets that random plans are made for, from the schemas themselves. */
import { z } from 'zod';
import { fleetSchema } from './explore/fleet-spec.ts';
import { scenarioSchema } from './scenario.ts';

export function scenarioJsonSchema(): object {
  return z.toJSONSchema(scenarioSchema, { io: 'input', unrepresentable: 'any' });
}

export function fleetJsonSchema(): object {
  return z.toJSONSchema(fleetSchema, { io: 'input', unrepresentable: 'any' });
}
