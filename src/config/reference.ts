/** The config's JSON Schema and its reference table, both from the schema itself. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly unknown[];
}

/** The JSON Schema of config files as people write them, for editors. */
export function configJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return {
    $schema,
    $id: 'https://raw.githubusercontent.com/skewgate/skewgate/main/examples/gate.schema.json',
    title: 'Config of a skewgate gate',
    ...schema,
  };
}

/** Markdown: one row a key. Keys that several forms of a value share are shown once, and those of hooks under `hook`. */
export function configTable(): string {
  const rows = rowsOf(configJsonSchema() as Node, '');
  return ['| key | default | meaning |', '| --- | --- | --- |', ...new Set(rows)].join('\n');
}

function rowsOf(node: Node, path: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const name = path === '' ? key : `${path}.${key}`;
    const inner = [child, child.items, ...(child.anyOf ?? [])].filter((part) => part !== undefined);
    const byDefault = node.required?.includes(key) ? 'required' : defaultOf(child);
    const row = `| \`${name}\` | ${byDefault} | ${escaped(meaningOf(child))} |`;
    if (isFurtherHook(child)) return [row];
    return [row, ...inner.flatMap((part) => rowsOf(part, child.type === 'array' ? `${name}[]` : name))];
  });
}

/** A hook besides the main one: it has the same keys. */
const isFurtherHook = ({ description }: Node) => description?.startsWith('a hook ') === true;

function meaningOf({ description = '', enum: values }: Node): string {
  if (values === undefined) return description;
  return `${description}: ${values.map((value) => `\`${String(value)}\``).join(', ')}`;
}

function defaultOf({ default: value }: Node): string {
  if (value === undefined || (typeof value === 'object' && value !== null)) return '';
  return `\`${String(value)}\``;
}

/** A bar would end the cell. */
function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
