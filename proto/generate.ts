/**
 * Writes everything that is generated: the JSON Schemas, the test vectors, and in every Markdown file of the project
 * what stands between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->`. `--check` writes nothing, and exits
 * with 1 naming the files that differ.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessTable } from '../src/admin/access.ts';
import { openApiDocument } from '../src/admin/openapi.ts';
import { configJsonSchema, configTable } from '../src/config/reference.ts';
import { logJsonSchema, recordTables } from '../src/decision/reference.ts';
import { fleetJsonSchema, scenarioJsonSchema } from '../src/fleet/reference.ts';
import { metricsTable } from '../src/metrics/catalogue.ts';
import { printJson } from './print-json.ts';
import { expectationsTable, invariantsTable, scenariosTable, stepsTable } from './scenario-tables.ts';
import { messagesSchema } from './schema.ts';
import { closeCodesTable, codesTable, fieldTables, messagesTable } from './tables.ts';
import { vectors } from './vectors.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Generated texts by the name in their markers. Any document may hold any of them. */
const TEXTS: Readonly<Record<string, () => string>> = {
  config: configTable,
  codes: codesTable,
  'close-codes': closeCodesTable,
  messages: messagesTable,
  fields: fieldTables,
  steps: stepsTable,
  expectations: expectationsTable,
  scenarios: scenariosTable,
  invariants: invariantsTable,
  records: recordTables,
  metrics: metricsTable,
  access: accessTable,
};

export const TEXT_NAMES = Object.keys(TEXTS);

const MARKER = /<!-- (\/?)generated:([\w-]+) -->/g;
const SKIPPED = /^(?:node_modules|dist|coverage|\..*)$/;

/** Putting it together takes turns of the event loop; the rest does not. */
const openApi = await openApiDocument();

/** Wanted text by file, relative to the root: files that are generated as a whole, and documents with markers. */
export function generated(): Map<string, string> {
  return new Map([
    ['proto/messages.schema.json', printJson(messagesSchema())],
    ['proto/vectors.json', printJson(vectors())],
    ['examples/log.schema.json', printJson(logJsonSchema())],
    ['examples/gate.schema.json', printJson(configJsonSchema())],
    ['examples/scenario.schema.json', printJson(scenarioJsonSchema())],
    ['examples/fleet.schema.json', printJson(fleetJsonSchema())],
    ['docs/openapi.json', printJson(openApi)],
    ...documents().map((file): [string, string] => [file, fill(read(file) ?? '', file)]),
  ]);
}

/** Markdown files of the project that hold markers, relative to the root. */
export function documents(): string[] {
  const markdownIn = (folder: string): string[] =>
    readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const file = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : markdownIn(file);
      return entry.name.endsWith('.md') ? [file] : [];
    });
  return markdownIn('').filter((file) => read(file)?.match(MARKER) != null);
}

/**
 * Replaces what stands between `<!-- generated:NAME -->` and its end.
 * @throws on a NAME that is not known, and on a marker without its other half.
 */
export function fill(text: string, file = 'the text'): string {
  let open: string | null = null;
  for (const [marker, slash, name = ''] of text.matchAll(MARKER)) {
    if (!(name in TEXTS)) throw new Error(`${file}: there is no generated text ${JSON.stringify(name)}`);
    const fits = slash === '' ? open === null : open === name;
    if (!fits) throw new Error(`${file}: ${marker} does not match the marker before it`);
    open = slash === '' ? name : null;
  }
  if (open !== null) throw new Error(`${file}: <!-- generated:${open} --> has no end`);
  return text.replace(
    /(<!-- generated:([\w-]+) -->).*?(<!-- \/generated:\2 -->)/gs,
    (_all, start: string, name: string, end: string) => `${start}\n\n${TEXTS[name]?.()}\n\n${end}`,
  );
}

/** Files whose text is not what it should be. */
export function outdated(): string[] {
  return [...generated()].filter(([file, text]) => read(file) !== text).map(([file]) => file);
}

function read(file: string): string | null {
  const whole = path.join(root, file);
  return existsSync(whole) ? readFileSync(whole, 'utf8') : null;
}

function main(): void {
  const files = outdated();
  if (!process.argv.includes('--check')) {
    const texts = generated();
    for (const file of files) writeFileSync(path.join(root, file), texts.get(file) as string);
    console.log(files.length === 0 ? 'nothing to write' : `written: ${files.join(', ')}`);
  } else if (files.length > 0) {
    console.error(`out of date, run "npm run generate": ${files.join(', ')}`);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
