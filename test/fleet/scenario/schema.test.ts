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

interface Node extends Readonly<Record<string, unknown>> {
  readonly properties?: Readonly<Record<string, Node>>;
}

/** Every node below a schema with its path: `.key`, `[]` for an entry of a list, `{}` for a value of a map. */
function* nodesIn(node: unknown, at = ''): Generator<readonly [path: string, node: Node]> {
  if (typeof node !== 'object' || node === null) return;
  yield [at, node as Node];
  const {
    properties = {},
    items,
    prefixItems,
    anyOf,
    allOf,
    additionalProperties,
    propertyNames,
  } = node as Node;
  for (const [key, child] of Object.entries(properties)) yield* nodesIn(child, `${at}.${key}`);
  for (const list of [anyOf, allOf]) for (const child of (list ?? []) as Node[]) yield* nodesIn(child, at);
  for (const child of [items, ...((prefixItems ?? []) as Node[])]) yield* nodesIn(child, `${at}[]`);
  yield* nodesIn(additionalProperties, `${at}{}`);
  yield* nodesIn(propertyNames, `${at}{key}`);
}

/** Text of which an editor can say nothing more. */
const FREE =
  /\.(name|about|of|group|connect|arrive|disconnect|change|kill|start|pause|resume|restart|script|canary|secretEnv|notes|link|module)$|\[\]$/;

describe.each([
  ['scenarios', scenarioJsonSchema],
  ['fleets', fleetJsonSchema],
])('to an editor, the schema of %s', (_, schema) => {
  const nodes = [...nodesIn(schema())];

  test('has a line about every key', () => {
    const keys = nodes.flatMap(([at, { properties = {} }]) =>
      Object.entries(properties).map(([key, { description }]) => ({ key: `${at}.${key}`, description })),
    );
    expect(keys.length).toBeGreaterThan(100);
    expect(keys.filter(({ description }) => !/\S/.test(String(description ?? '')))).toEqual([]);
  });

  test('says what versions, durations and addresses look like', () => {
    const texts = nodes.filter(([, { type }]) => type === 'string');
    expect(texts.length).toBeGreaterThan(40);
    const untold = texts.filter(
      ([at, node]) =>
        !FREE.test(at) && !('pattern' in node || 'enum' in node || 'const' in node || 'format' in node),
    );
    expect(untold.map(([at]) => at)).toEqual([]);
    const patterns = nodes.filter(([, node]) => 'pattern' in node);
    for (const key of ['.servers.version', '.clients[].stay', '.steps[].wait', '.steps[].roll.to'])
      expect(patterns.map(([at]) => at)).toContain(key);
  });
});
