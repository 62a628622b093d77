/** The JSON Schemas for editors agree with what is taken. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { DEFAULT_FLEET, parseFleet } from '../../../src/fleet/explore/fleet-spec.ts';
import { fleetJsonSchema, scenarioJsonSchema } from '../../../src/fleet/reference.ts';
import { parseScenario, scenarioSchema } from '../../../src/fleet/scenario.ts';
import { SCENARIOS, scenarioFiles } from '../../support/scenarios.ts';

type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];

const scenario = z.fromJSONSchema(scenarioJsonSchema() as JsonSchema);
const fleet = z.fromJSONSchema(fleetJsonSchema() as JsonSchema);
const read = (file: string) => readFileSync(file, 'utf8');
const PHOENIX = fileURLToPath(new URL('../../../examples/phoenix-mutex.yaml', import.meta.url));
const GOOD = `name: x
servers: { count: 2, version: 4.14.0 }
clients: [{ name: app, version: 4.14.0 }]
steps: [{ connect: app }]
expect: { admitted: { 4.14.0: 1 }, refused: { CLIENT_OUTDATED: 0 }, matrix: { 4.13: { 4.14: permit } } }
`;

test.each(scenarioFiles.map((file) => path.basename(file)))('%s is as the schema says', (name) => {
  const { error } = scenario.safeParse(parse(read(path.join(SCENARIOS, name))));
  expect(error).toBeUndefined();
});

test('so are fleets, which may leave out name and steps; a scenario may not', () => {
  for (const text of [DEFAULT_FLEET, read(PHOENIX), GOOD]) {
    expect(fleet.safeParse(parse(text)).error).toBeUndefined();
    expect(() => parseFleet(text)).not.toThrow();
  }
  expect(scenario.safeParse(parse(GOOD)).success).toBe(true);
  expect(scenario.safeParse(parse(DEFAULT_FLEET)).success).toBe(false);
});

describe('what the schema refuses is refused when it is played', () => {
  test.each([
    ['a key that is not there', GOOD.replace('steps:', 'step:')],
    ['a step that is not there', GOOD.replace('connect:', 'conect:')],
    ['a code that is not there', GOOD.replace('CLIENT_OUTDATED', 'CLIENT_OLD')],
    ['a verdict that is not there', GOOD.replace('permit', 'allow')],
    ['a count that is text', GOOD.replace('count: 2', 'count: two')],
    ['no steps', GOOD.replace('[{ connect: app }]', '[]')],
  ])('%s', (_what, text) => {
    expect(scenario.safeParse(parse(text)).success).toBe(false);
    expect(() => parseScenario(text)).toThrow();
  });
});

test('every top-level key is in the schema, and none besides', () => {
  const { properties } = scenarioJsonSchema() as { properties: object };
  expect(Object.keys(properties).sort()).toEqual(Object.keys(scenarioSchema.shape).sort());
});
