/** Random values that a JSON Schema of proto/messages.schema.json allows. */
import fc from 'fast-check';
import type { Node } from '../../proto/schema.ts';

/** @param defs what `#/$defs/…` refers to. */
export function fromSchema(node: Node, defs: Readonly<Record<string, Node>>): fc.Arbitrary<unknown> {
  if (node.$ref !== undefined) return fromSchema(defs[node.$ref.slice('#/$defs/'.length)] as Node, defs);
  if (node.anyOf !== undefined) return fc.oneof(...node.anyOf.map((part) => fromSchema(part, defs)));
  if (node.enum !== undefined) return fc.constantFrom(...node.enum);
  switch (node.type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.oneof(fc.integer(within(node)), fc.constantFrom(node.minimum ?? 0, node.maximum ?? 0));
    case 'number':
      return fc.double({ min: node.minimum ?? 0, max: node.maximum ?? 1, noNaN: true }).map((n) => n + 0);
    case 'string':
      return node.pattern === undefined ? textOf(node) : versionOf(node.pattern);
    case 'array':
      return fc.array(fromSchema(node.items as Node, defs), { maxLength: Math.min(node.maxItems ?? 5, 5) });
    default:
      return objectOf(node, defs);
  }
}

const within = ({ minimum = 0, maximum = 2 ** 31 }: Node) => ({ min: minimum, max: maximum });

/** Lengths count code points. */
function textOf({ minLength = 0, maxLength = 64 }: Node): fc.Arbitrary<string> {
  const longest = fc.constant('x'.repeat(maxLength));
  const wide = fc.string({ unit: 'grapheme', maxLength: 20 });
  const fits = (text: string) => [...text].length >= minLength && [...text].length <= maxLength;
  return fc.oneof(fc.string({ minLength, maxLength: Math.min(maxLength, 80) }), wide.filter(fits), longest);
}

/** Of the one pattern that messages have, the grammar of a version. */
function versionOf(pattern: string): fc.Arbitrary<string> {
  const part = fc.oneof(fc.nat({ max: 30 }), fc.constant(Number.MAX_SAFE_INTEGER));
  const qualifier = fc.constantFrom('', '-HBase-1.4', '+git.abc_1', '-007');
  return fc
    .tuple(part, part, part, qualifier)
    .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`)
    .filter((version) => version.length <= 64 && new RegExp(pattern).test(version));
}

function objectOf(node: Node, defs: Readonly<Record<string, Node>>): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties: entries, propertyNames: keys } = node;
  if (entries && keys)
    return fc.dictionary(
      textOf(keys).filter((key) => key !== '__proto__'),
      fromSchema(entries, defs),
      { maxKeys: 4, noNullPrototype: true },
    );
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [name, fromSchema(field, defs)]),
  );
  const made = fc.record(fields, { requiredKeys: [...required], noNullPrototype: true });
  return made.map((value) => inOrder(value as Record<string, unknown>));
}

/** The one rule that JSON Schema cannot say: `min` is at most `max`. */
function inOrder(value: Record<string, unknown>): Record<string, unknown> {
  const { min, max } = value;
  if (typeof min !== 'number' || typeof max !== 'number') return value;
  return { ...value, min: Math.min(min, max), max: Math.max(min, max) };
}
