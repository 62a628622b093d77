/** The JSON Schema for editors and the reference table agree with what the gate takes. */
import { expect, test } from 'vitest';
import { configJsonSchema, configTable } from '../../src/config/reference.ts';
import { configSchema } from '../../src/config/schema.ts';
import { PRESET_NAMES } from '../../src/policy/presets.ts';

interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly unknown[];
}

const schema = configJsonSchema() as Node;
/** Keys that the line about the map they are in explains. */
const SELF_EVIDENT = /\.protocol\.(min|max)$|\.hook\.server$/;
const MINIMAL = { listen: [{ tcp: 'h:1' }], servers: [{ id: 'a', address: 'tcp://h:1' }] };

/** Every map of keys in the schema, with its path. */
function mapsIn(node: Node, path = ''): Array<[path: string, node: Node]> {
  const inner = [
    ...Object.entries(node.properties ?? {}).map(([key, child]) => [`${path}.${key}`, child] as const),
    ...(node.items ? [[`${path}[]`, node.items] as const] : []),
    ...(node.anyOf ?? []).map((child) => [path, child] as const),
  ];
  return [
    ...(node.properties ? [[path, node] as [string, Node]] : []),
    ...inner.flatMap(([at, child]) => mapsIn(child, at)),
  ];
}

test('only listeners and servers have to be there, in the schema as in the gate', () => {
  expect(schema.required).toEqual(['listen', 'servers']);
  expect(configSchema.safeParse(MINIMAL).success).toBe(true);
  for (const key of ['listen', 'servers'])
    expect(configSchema.safeParse({ ...MINIMAL, [key]: undefined }).success).toBe(false);
});

test('every top-level key of the gate is in the schema, and none besides', () => {
  expect(Object.keys(schema.properties ?? {}).sort()).toEqual(Object.keys(configSchema.shape).sort());
});

test('no map takes keys it does not know, in the schema as in the gate', () => {
  const maps = mapsIn(schema);
  expect(maps.length).toBeGreaterThan(8);
  for (const [path, node] of maps) expect([path, node.additionalProperties]).toEqual([path, false]);
  expect(configSchema.safeParse({ ...MINIMAL, other: 1 }).success).toBe(false);
});

test('the defaults in the schema are those the gate takes', () => {
  const config = configSchema.parse(MINIMAL) as Record<string, unknown>;
  const stated: string[] = [];
  const compare = (node: Node, value: unknown, path: string) => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      const at = path === '' ? key : `${path}.${key}`;
      const taken = (value as Record<string, unknown>)[key];
      // A map that may be absent has no defaults until it is there.
      if (child.type === 'object' && taken !== undefined) compare(child, taken, at);
      else if (child.default !== undefined) {
        stated.push(at);
        // Durations and sizes are text in the file and numbers in the gate: the same text gives the same number.
        const again = configSchema.parse(withKey(at, child.default)) as Record<string, unknown>;
        expect([
          at,
          at.split('.').reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], again),
        ]).toEqual([at, taken]);
      }
    }
  };
  compare(schema, config, '');
  expect(stated).toEqual(
    expect.arrayContaining([
      'cluster',
      'policy.preset',
      'log.rotate',
      'log.keep',
      'timeouts.hold',
      'limits.sessions',
    ]),
  );
});

test('presets are named in the schema, so that an editor offers them', () => {
  expect(schema.properties?.policy?.properties?.preset?.enum).toEqual(PRESET_NAMES);
});

test('every key has a line about it, and a row in the reference table', () => {
  const table = configTable().split('\n');
  for (const [path, node] of mapsIn(schema))
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      const name = `${path}.${key}`.slice(1);
      const row = table.find((line) => line.startsWith(`| \`${name}\` |`));
      // The keys of a hook are shown once.
      if (/^migration\.(check|snapshot|restore)\./.test(name)) continue;
      expect(row, name).toBeDefined();
      if (!SELF_EVIDENT.test(name)) expect(child.description, name).toBeTruthy();
    }
});

function withKey(path: string, value: unknown): unknown {
  return {
    ...MINIMAL,
    ...(path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object),
  };
}
