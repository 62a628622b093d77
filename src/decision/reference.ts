/** The JSON Schema of the decision log and the tables that document it, both from the schemas of the records. */
import { z } from 'zod';
import { RECORDS, recordSchema } from './schema.ts';

interface Node {
  type?: string | string[];
  const?: unknown;
  description?: string;
  enum?: unknown[];
  examples?: unknown[];
  open?: boolean;
  additionalProperties?: unknown;
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
  anyOf?: Node[];
  oneOf?: Node[];
}

/**
 * `log.schema.json`: what a reader may rely on. Fields may be added to a record, words to a list that grows, and
 * whole events; the schema admits all three, so that a log of a later gate is valid too.
 */
export function logJsonSchema(): object {
  const { $schema, ...records } = draw(recordSchema);
  return {
    $schema,
    $id: 'log.schema.json',
    title: 'skewgate decision log: one line',
    description:
      'The log is NDJSON: one such object a line. A reader passes over events that it does not know.',
    anyOf: [...(records.anyOf ?? []), UNKNOWN],
  };
}

/** An event of a later gate, or a `what` that this one does not have. */
const UNKNOWN = {
  description: 'an event that this version does not know: a reader passes over it',
  type: 'object',
  properties: {
    time: { type: 'string' },
    event: { type: 'string', not: { enum: Object.keys(RECORDS).filter((event) => event !== 'migration') } },
    gate: { type: 'string' },
    cluster: { type: 'string' },
  },
  required: ['time', 'event', 'gate', 'cluster'],
};

function draw(schema: z.ZodType): Node & { $schema?: string } {
  return z.toJSONSchema(schema, {
    io: 'output',
    override({ jsonSchema }) {
      const node = jsonSchema as Node;
      if (node.additionalProperties === false) delete node.additionalProperties;
      if (node.open) {
        node.examples = node.enum ?? [];
        delete node.enum;
        delete node.open;
      }
    },
  }) as Node & { $schema?: string };
}

/** Markdown: the events, and for each the fields of its record. Fields that all records have stand in a table of their own. */
export function recordTables(): string {
  const shared = ['time', 'event', 'gate', 'cluster'];
  const common = draw(RECORDS.gate.schema).properties ?? {};
  const tables = Object.entries(RECORDS).map(([event, { about, schema }]) => {
    const node = draw(schema);
    const forms = node.oneOf ?? node.anyOf;
    const body =
      forms === undefined ? fieldTable(rowsOf(node, '', shared)) : formsTable(forms, [...shared, 'what']);
    return `### \`${event}\`: ${about}\n\n${body}`;
  });
  return [
    `### In every record\n\n${fieldTable([
      ...['time', 'gate', 'cluster'].map((key) => row(key, common[key] as Node, true)),
      `| \`event\` | string | what happened: ${Object.keys(RECORDS)
        .map((event) => `\`${event}\``)
        .join(', ')} |`,
    ])}`,
    ...tables,
  ].join('\n\n');
}

function fieldTable(rows: readonly string[]): string {
  return ['| field | type | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Of a record that comes in several forms: one table of the forms, one of all their fields. */
function formsTable(forms: readonly Node[], shared: readonly string[]): string {
  const kinds = forms.map((form) => {
    const { what, ...fields } = form.properties ?? {};
    const own = Object.keys(fields).filter((key) => !shared.includes(key));
    return `| \`${String(what?.const)}\` | ${what?.description ?? ''} | ${own.map((key) => `\`${key}\``).join(', ')} |`;
  });
  const rows = new Map<string, string>();
  for (const form of forms)
    for (const text of rowsOf(form, '', shared)) {
      const [, field = ''] = text.split('|');
      if (!rows.has(field)) rows.set(field, text);
    }
  return [
    ['| what | when | fields |', '| --- | --- | --- |', ...kinds].join('\n'),
    fieldTable([...rows.values()]),
  ].join('\n\n');
}

function rowsOf(node: Node, path: string, without: readonly string[]): string[] {
  return Object.entries(node.properties ?? {})
    .filter(([key]) => path !== '' || !without.includes(key))
    .flatMap(([key, child]) => {
      const name = path === '' ? key : `${path}.${key}`;
      const required = node.required?.includes(key) ?? false;
      const inner = [
        child,
        child.items,
        ...(child.anyOf ?? []),
        ...(child.anyOf ?? []).map(({ items }) => items),
      ];
      const nested = child.type === 'array' ? `${name}[]` : name;
      return [
        row(name, child, required),
        ...inner.flatMap((part) => (part === undefined ? [] : rowsOf(part, nested, []))),
      ];
    });
}

function row(name: string, node: Node, required: boolean): string {
  const meaning = [node.description ?? '', wordsOf(node)].filter(Boolean).join('; one of ');
  const type = `${typeOf(node)}${required ? '' : ', may be absent'}`;
  return `| \`${name}\` | ${type} | ${meaning.replaceAll('|', '\\|')} |`;
}

function typeOf(node: Node): string {
  if (node.anyOf) return node.anyOf.map(typeOf).join(' or ');
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  return [node.type ?? 'string'].flat().join(' or ');
}

function wordsOf(node: Node): string {
  const words =
    node.enum ?? node.examples ?? node.anyOf?.flatMap(({ enum: list, examples }) => list ?? examples ?? []);
  if (words === undefined || words.length === 0 || words.length > 12) return '';
  return words.map((word) => `\`${String(word)}\``).join(', ');
}
