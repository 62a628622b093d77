/** The generated tables about scenarios, in Markdown: steps, expectations, and the files that ship. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { INVARIANTS } from '../src/fleet/invariants.ts';
import { scenarioJsonSchema } from '../src/fleet/reference.ts';
import { table } from './tables.ts';

interface Node {
  readonly description?: string;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly $defs?: Readonly<Record<string, Node>>;
}

const SCENARIOS = fileURLToPath(new URL('../examples/scenarios/', import.meta.url));
const schema = scenarioJsonSchema() as Node;

/** One row a step. Steps may be keys of one map or maps of their own. */
export function stepsTable(): string {
  return keysTable(['step', 'what it does'], schema.properties?.steps?.items);
}

/** One row an expectation, of those that the end of a file may state. */
export function expectationsTable(): string {
  return keysTable(['key', 'what is compared'], schema.properties?.expect);
}

/** One row a file in examples/scenarios, with the name it has there. */
export function scenariosTable(): string {
  const files = readdirSync(SCENARIOS).filter((file) => file.endsWith('.yaml'));
  const nameOf = (file: string) =>
    String((parse(readFileSync(path.join(SCENARIOS, file), 'utf8')) as { name: unknown }).name);
  return table(
    ['file', 'shows'],
    files.toSorted().map((file) => [`[${file}](${file})`, nameOf(file)]),
  );
}

/** One row an invariant, with the id that reports and `explore` name it by. */
export function invariantsTable(): string {
  return table(
    ['id', 'what always must hold'],
    INVARIANTS.map(({ id, sentence }) => [`\`${id}\``, sentence]),
  );
}

function keysTable(head: readonly string[], node: Node | undefined): string {
  const keys = new Map(keysOf(node));
  if (keys.size === 0) throw new Error(`the schema of scenarios names no ${head[0]}`);
  return table(
    head,
    [...keys].map(([key, { description }]) => [`\`${key}\``, description ?? '']),
  );
}

function keysOf(node: Node | undefined): Array<[key: string, node: Node]> {
  if (node === undefined) return [];
  const target = node.$ref === undefined ? undefined : schema.$defs?.[node.$ref.replace('#/$defs/', '')];
  const parts = [target, ...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  return [...Object.entries(node.properties ?? {}), ...parts.flatMap((part) => keysOf(part))];
}
