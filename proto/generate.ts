/**
 * Writes everything that is generated: messages.schema.json, vectors.json and the tables of README.md here, the
 * tables of the project's README.md, examples/*.schema.json. `--check` writes nothing, and exits with 1
 * naming the files that differ.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { configJsonSchema, configTable } from '../src/config/reference.ts';
import { fleetJsonSchema, scenarioJsonSchema } from '../src/fleet/reference.ts';
import { printJson } from './print-json.ts';
import { messagesSchema } from './schema.ts';
import { closeCodesTable, codesTable, fieldTables, messagesTable } from './tables.ts';
import { vectors } from './vectors.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Generated texts by the name in their markers. */
const TEXTS: Readonly<Record<string, () => string>> = {
  config: configTable,
  codes: codesTable,
  'close-codes': closeCodesTable,
  messages: messagesTable,
  fields: fieldTables,
};

/** Wanted text by file, relative to the root. A README that does not exist is left alone. */
export function generated(): Map<string, string> {
  const files = new Map([
    ['proto/messages.schema.json', printJson(messagesSchema())],
    ['proto/vectors.json', printJson(vectors())],
    ['examples/gate.schema.json', printJson(configJsonSchema())],
    ['examples/scenario.schema.json', printJson(scenarioJsonSchema())],
    ['examples/fleet.schema.json', printJson(fleetJsonSchema())],
  ]);
  for (const readme of ['proto/README.md', 'README.md']) {
    const text = read(readme);
    if (text !== null) files.set(readme, fill(text));
  }
  return files;
}

/** Replaces what stands between `<!-- generated:NAME -->` and its end. @throws on a NAME that is not known. */
export function fill(text: string): string {
  return text.replace(
    /(<!-- generated:([a-z-]+) -->).*?(<!-- \/generated:\2 -->)/gs,
    (_all, start: string, name: string, end: string) => {
      const make = TEXTS[name];
      if (make === undefined) throw new Error(`there is no generated text ${JSON.stringify(name)}`);
      return `${start}\n\n${make()}\n\n${end}`;
    },
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
    console.error(`out of date, run "node proto/generate.ts": ${files.join(', ')}`);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
