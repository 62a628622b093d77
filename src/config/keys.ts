/** Which keys a schema knows at a place in the data, to suggest one for a key that it does not know. */
import { z } from 'zod';
import type { Path } from './path.ts';

/** A JSON Schema, as far as it is looked at here. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean | Node;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

/** Looks keys up in `schema`, which is translated once. Returns the keys of every form that the value at `path` may have. */
export function createKeyLookup(schema: z.ZodType): (path: Path) => string[] {
  let root: Node | null = null;
  return (path) => {
    root ??= z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node;
    const nodes = path.reduce<Node[]>((found, key) => found.flatMap((node) => inner(node, key)), [root]);
    return nodes.flatMap(formsOf).flatMap((node) => Object.keys(node.properties ?? {}));
  };
}

function inner(node: Node, key: PropertyKey): Node[] {
  return formsOf(node).flatMap(({ properties, additionalProperties, items }) => {
    const child =
      typeof key === 'number'
        ? items
        : properties && Object.hasOwn(properties, key)
          ? properties[String(key)]
          : additionalProperties;
    return typeof child === 'object' ? [child] : [];
  });
}

const formsOf = (node: Node): readonly Node[] => [node, ...(node.anyOf ?? []).flatMap(formsOf)];
