/** The config's JSON Schema and its reference table, both from the schema itself. */
import { isDeepStrictEqual } from 'node:util';
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

/** Markdown: one row a key. Keys that several forms of a value share are shown once, as are those of all hooks. */
export function configTable(): string {
  const rows = rowsOf(configJsonSchema() as Node, '');
  return ['| key | default | meaning |', '| --- | --- | --- |', ...new Set(rows)].join('\n');
}

function rowsOf(node: Node, path: string): string[] {
  const shown: Node[] = [];
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const name = path === '' ? key : `${path}.${key}`;
    const inner = [child, child.items, ...(child.anyOf ?? [])].filter((part) => part !== undefined);
    const byDefault = node.required?.includes(key) ? 'required' : defaultOf(child);
    const row = `| \`${name}\` | ${byDefault} | ${escaped(meaningOf(child))} |`;
    if (shown.some((other) => hasSameKeys(other, child))) return [row];
    shown.push(...inner);
    return [row, ...inner.flatMap((part) => rowsOf(part, child.type === 'array' ? `${name}[]` : name))];
  });
}

/** Whether what a key takes was shown with a key before it, as of the hooks: what is inside it need not come again. */
function hasSameKeys({ description: _, ...shown }: Node, { description: __, ...node }: Node): boolean {
  return node.properties !== undefined && isDeepStrictEqual(shown, node);
}

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
