import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messagesSchema, type Node, schemaOf } from '../../proto/schema.ts';
import { WireFault } from '../../src/wire/fault.ts';
import { encodeFrame, HEADER_LENGTH } from '../../src/wire/frame.ts';
import {
  decodeMessage,
  encodeMessage,
  isTypeOf,
  MESSAGES,
  type MessageName,
} from '../../src/wire/messages.ts';
import { encodeValue } from '../../src/wire/msgpack.ts';
import { EXAMPLES, NAMES } from '../support/examples.ts';
import { fromSchema } from '../support/from-schema.ts';

const { $defs } = messagesSchema();
const read = (name: MessageName, value: unknown) =>
  decodeMessage(name, { type: MESSAGES[name].type, payload: encodeValue(value) });

/** Every field of a message: its path, and its schema. Inside lists, of the first item. */
function fieldsOf(node: Node, path: readonly string[] = []): { path: readonly string[]; node: Node }[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const here = [...path, key];
    const whole = child.$ref === undefined ? child : ($defs.decision as Node);
    const bare = whole.anyOf?.find(({ type }) => type !== 'null') ?? whole;
    const inner = bare.items ? fieldsOf(bare.items, [...here, '0']) : fieldsOf(bare, here);
    return [{ path: here, node: whole }, ...inner];
  });
}

/** A value with all lists and nullable maps filled, so that every field is there. */
function full(node: Node): unknown {
  if (node.$ref !== undefined) return full($defs.decision as Node);
  const bare = node.anyOf?.find(({ type }) => type !== 'null') ?? node;
  if (bare.enum !== undefined) return bare.enum[0];
  if (bare.type === 'array') return [full(bare.items as Node)];
  if (bare.additionalProperties) return { key: 'value' };
  if (bare.type === 'object')
    return Object.fromEntries(
      Object.entries(bare.properties ?? {}).map(([key, field]) => [key, full(field)]),
    );
  if (bare.pattern !== undefined) return '4.14.0';
  if (bare.type === 'string') return 'x'.repeat(Math.max(bare.minLength ?? 0, 1));
  return bare.type === 'boolean' ? true : Math.max(bare.minimum ?? 0, 0);
}

function withField(value: unknown, [key, ...rest]: readonly string[], field: unknown): unknown {
  if (key === undefined) return field;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = withField(copy[key], rest, field);
  if (copy[key] === undefined) delete copy[key];
  return copy;
}

test('types and directions are what they always were', () => {
  expect(Object.fromEntries(NAMES.map((name) => [name, MESSAGES[name].type]))).toEqual({
    hello: 0x01,
    permit: 0x02,
    wait: 0x03,
    refuse: 0x04,
    identify: 0x11,
    serverHello: 0x12,
    open: 0x13,
    upgradeRequest: 0x14,
    upgradeProgress: 0x15,
    upgradeResult: 0x16,
  });
  expect(isTypeOf('hello', 'identify')(0x11)).toBe(true);
  expect(isTypeOf('hello', 'identify')(0x12)).toBe(false);
});

describe.each(NAMES)('%s', (name) => {
  const schema = schemaOf(name);
  const example = EXAMPLES[name];
  const whole = full(schema);

  test('every value that messages.schema.json allows makes the way and back', () => {
    fc.assert(
      fc.property(fromSchema(schema, $defs), (value) => {
        const frame = encodeMessage(name, value as never);
        expect(frame[0]).toBe(MESSAGES[name].type);
        const decoded = decodeMessage(name, {
          type: MESSAGES[name].type,
          payload: frame.subarray(HEADER_LENGTH),
        });
        expect(decoded).toMatchObject(value as object);
      }),
      { numRuns: 60 },
    );
  });

  test('unknown fields are ignored, at every depth', () => {
    const more = { '': 0, futureField: { deep: [1, 'x', null] } };
    expect(read(name, { ...example, ...more })).toEqual(read(name, example));
    const maps = fieldsOf(schema).filter(({ node }) => node.properties !== undefined);
    for (const { path } of maps) {
      const inside = path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], whole);
      const grown = withField(whole, path, { ...(inside as object), ...more });
      expect(read(name, grown)).toEqual(read(name, whole));
    }
  });

  test('a wrong type is a fault that names the field', () => {
    expect(() => read(name, whole)).not.toThrow();
    for (const { path, node } of fieldsOf(schema)) {
      const wrong = node.type === 'boolean' ? 'yes' : true;
      expect(() => read(name, withField(whole, path, wrong)), path.join('.')).toThrow(
        new RegExp(`^${name}\\.${path.join('\\.')}: `),
      );
    }
  });

  test('a field that is left out is a fault, or has its default', () => {
    for (const { path } of fieldsOf(schema)) {
      const parent = path.slice(0, -1).reduce<Node>((node, key) => {
        const bare = node.anyOf?.find(({ type }) => type !== 'null') ?? node;
        const child = key === '0' ? (bare.items as Node) : (bare.properties?.[key] as Node);
        return child.$ref === undefined ? child : ($defs.decision as Node);
      }, schema);
      const bare = parent.anyOf?.find(({ type }) => type !== 'null') ?? parent;
      const required = bare.required?.includes(path.at(-1) as string) ?? false;
      const without = () => read(name, withField(whole, path, undefined));
      if (required) expect(without, path.join('.')).toThrow(WireFault);
      else expect(without, path.join('.')).not.toThrow();
    }
  });

  test.each([
    ['nil', null],
    ['a number', 7],
    ['a string', 'hello'],
    ['a list', []],
  ])('%s is no message', (_what, value) => {
    expect(() => read(name, value)).toThrow(WireFault);
  });

  test('random payloads are a message or a WireFault', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.object()), (value) => {
        try {
          read(name, value);
        } catch (error) {
          expect(error).toBeInstanceOf(WireFault);
        }
      }),
    );
  });
});

describe('limits', () => {
  const hello = (more: object) => () => read('hello', { version: '4.14.0', ...more });

  test.each<[string, object, RegExp]>([
    ['a version of 65', { version: 'x'.repeat(65) }, /^hello\.version: /],
    ['an empty version', { version: '' }, /^hello\.version: /],
    ['a driver of 129', { driver: 'x'.repeat(129) }, /^hello\.driver: /],
    ['a key of 65', { properties: { ['x'.repeat(65)]: '' } }, /^hello\.properties\.x+: /],
    ['a value of 1025', { properties: { user: 'x'.repeat(1025) } }, /^hello\.properties\.user: /],
    ['a level beyond 31 bits', { protocol: { min: 0, max: 2 ** 31 } }, /^hello\.protocol\.max: /],
    ['a level that is no integer', { protocol: { min: 0.5, max: 1 } }, /^hello\.protocol\.min: /],
    ['a level that is infinite', { protocol: { min: 0, max: Infinity } }, /^hello\.protocol\.max: /],
    ['min over max', { protocol: { min: 2, max: 1 } }, /^hello\.protocol: min is over max/],
  ])('%s is over the limit', (_what, more, message) => {
    expect(hello(more)).toThrow(WireFault);
    expect(hello(more)).toThrow(message);
  });

  test('lengths count code points, not bytes or UTF-16 units', () => {
    expect(hello({ driver: '🙂'.repeat(128) })).not.toThrow();
    expect(hello({ driver: '🙂'.repeat(129) })).toThrow(/^hello\.driver: /);
  });

  test('32 properties are the most', () => {
    const some = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, 'x'.repeat(1_024)]));
    expect(hello({ properties: some(32) })).not.toThrow();
    expect(hello({ properties: some(33) })).toThrow('hello.properties: at most 32 properties');
  });

  test('the longest hello fits the open that hands it on, and one byte more is over the limit', () => {
    const some = (bytes: number) => {
      const full = Object.fromEntries(
        Array.from({ length: 31 }, (_, at) => [`p${at + 10}`, '🙂'.repeat(395)]),
      );
      const left = bytes - 31 * (3 + 4 * 395);
      return { ...full, last: 'x'.repeat(left - 4) };
    };
    expect(hello({ properties: some(49_153) })).toThrow(
      'hello.properties: names and values have more than 49152 bytes of UTF-8 together',
    );
    const properties = some(49_152);
    expect(hello({ properties })).not.toThrow();
    const most = { version: `4.14.0-${'x'.repeat(57)}`, driver: '🙂'.repeat(128), properties };
    const open = { session: '🙂'.repeat(128), peer: '🙂'.repeat(128), client: most };
    expect(read('open', open)).toEqual(open);
  });

  test('a hello that left everything out but its version has the defaults', () => {
    expect(read('hello', { version: '4.14.0' })).toEqual({
      version: '4.14.0',
      driver: '',
      properties: {},
      upgrade: 'may',
    });
    expect(read('serverHello', { id: 'rs1', version: '4.14.0' })).toMatchObject({
      level: null,
      ledgers: [],
      draining: false,
    });
  });

  test('a type number says nothing about the payload: a message is judged by its own schema', () => {
    const payload = encodeValue(EXAMPLES.wait);
    expect(encodeFrame(MESSAGES.wait.type, payload)).toEqual(encodeMessage('wait', EXAMPLES.wait));
    expect(() => decodeMessage('permit', { type: MESSAGES.permit.type, payload })).toThrow(WireFault);
  });
});
