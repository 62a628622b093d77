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

test('every key has a row in the reference table', () => {
  const table = configTable().split('\n');
  for (const [path, node] of mapsIn(schema))
    for (const key of Object.keys(node.properties ?? {})) {
      const name = `${path}.${key}`.slice(1);
      const row = table.find((line) => line.startsWith(`| \`${name}\` |`));
      // The keys of a hook are shown once.
      if (/^migration\.(check|snapshot|restore)\./.test(name)) continue;
      expect(row, name).toBeDefined();
    }
});

function withKey(path: string, value: unknown): unknown {
  return {
    ...MINIMAL,
    ...(path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object),
  };
}

test('no key lacks a line about it, wherever it is, and the schema says what it is of', () => {
  const keys = mapsIn(schema).flatMap(([path, { properties = {} }]) =>
    Object.entries(properties).map(([key, child]) => [`${path}.${key}`, child.description]),
  );
  expect(keys.length).toBeGreaterThan(80);
  for (const [name, description] of keys) expect(description, name).toMatch(/\S/);
  expect(schema).toMatchObject({
    $id: expect.stringMatching(/gate\.schema\.json$/),
    title: 'Config of a skewgate gate',
  });
});

/** The pattern of a key, on a path of keys from the root; an entry of a list is `items`. */
function patternOf(...path: string[]): RegExp {
  const found = path.reduce<Record<string, unknown>>(
    (node, key) => (node[key] ?? (node.properties as object)[key as never]) as Record<string, unknown>,
    schema as unknown as Record<string, unknown>,
  );
  expect(found.pattern, path.join('.')).toBeTypeOf('string');
  return new RegExp(found.pattern as string);
}

test.each<[string[], string[], string[]]>([
  [
    ['timeouts', 'hold'],
    ['500ms', '15s', '1.5m', '2h', '1d'],
    ['30', '30 s', 's', '5mb'],
  ],
  [
    ['log', 'rotate'],
    ['64mb', '1gb', '12b'],
    ['64', 'big', '1m'],
  ],
  [
    ['listen', 'items', 'assume'],
    ['4.14.0', '4.14.0-HBase-1.4'],
    ['4.14', 'v4.14.0', 'four'],
  ],
  [
    ['listen', 'items', 'tcp'],
    ['127.0.0.1:8700', '[::1]:0', 'host:1'],
    ['127.0.0.1', 'host:', 'a b:1'],
  ],
  [
    ['servers', 'items', 'address'],
    ['tcp://h:1', 'ws://h:1/path', 'tcp://[::1]:9001'],
    ['h:1', 'http://h:1', 'tcp://h'],
  ],
])('an editor is told what %j looks like, as the gate takes it', (path, right, wrong) => {
  const pattern = patternOf(...path);
  expect(right.filter((text) => !pattern.test(text))).toEqual([]);
  expect(wrong.filter((text) => pattern.test(text))).toEqual([]);
});
