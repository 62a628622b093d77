/**
 * The recipes of docs/records.md, run as they stand there, in their order, on the log of a scenario. Loki can't be had
 * here as a package: of its queries, only that their names are those of records is looked at.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { RECORDS } from '../../src/decision/schema.ts';
import { installed } from '../clients/support.ts';
import { runCli } from '../support/cli.ts';
import { blocksIn, readDocument } from '../support/documents.ts';
import { tempFolder } from '../support/folder.ts';

const DOCUMENT = 'docs/records.md';
const text = readDocument(DOCUMENT);
const recipes = text.slice(text.indexOf('\n## Recipes\n'), text.indexOf('\n## Fields\n'));
const blocks = blocksIn(DOCUMENT, recipes);
const shell = blocks.filter(({ language }) => language === 'sh');

/** What each prints of the scenario in which a client is upgraded before the servers. */
const PRINTED: Readonly<Record<string, readonly RegExp[]>> = {
  jq: [/^ +2 4\.14\.0 SERVER_OUTDATED: server to 4\.14\n$/, /^\d+(?:\.\d+)?\n$/],
  sqlite3: [/^$/, /^server\|sessions\|up\|down\|broken\n\w+\|\d+\|\d+\|\d+\|\d+\n/],
  duckdb: [/^minute,admitted,refused,p99_ms\n2026-01-01 00:00:00,2,2,\d+(?:\.\d+)?\n$/],
};

test('every recipe for a shell is run', () => {
  const expected = Object.values(PRINTED).flat();
  expect(shell).toHaveLength(expected.length);
  expect(shell.map((block) => block.text.split(' ')[0])).toEqual(
    Object.entries(PRINTED).flatMap(([program, all]) => all.map(() => program)),
  );
});

/** A folder with the log of a scenario. */
async function logged(): Promise<string> {
  const folder = tempFolder();
  const scenario = 'examples/scenarios/client-too-early.yaml';
  const { status } = await runCli(['test', scenario, '--log', `${folder}/decisions.ndjson`]);
  expect(status).toBe(0);
  return folder;
}

describe.each(Object.entries(PRINTED))('%s', (program, printed) => {
  test.skipIf(!installed(program) && process.env.CI === undefined)(
    'prints of the log of a scenario what the recipes are for',
    async () => {
      const cwd = await logged();
      const own = shell.filter((block) => block.text.startsWith(`${program} `));
      for (const [at, { text: recipe }] of own.entries()) {
        const args = ['-e', '-o', 'pipefail', '-c', recipe];
        const { stdout, stderr } = await promisify(execFile)('bash', args, { cwd, timeout: 30_000 });
        expect(stderr, recipe).toBe('');
        expect(stdout, recipe).toMatch(printed[at] as RegExp);
      }
    },
  );
});

test('queries for Loki name fields that records have', () => {
  const fields = new Set(
    Object.keys(RECORDS.handshake.schema.shape).flatMap((field) => [field, `skewgate_${field}`]),
  );
  const queries = blocks.filter(({ language }) => language === 'logql').map((block) => block.text);
  expect(queries).toHaveLength(2);
  const named = queries.flatMap((query) => [...query.matchAll(/\|\s*(\w+)="|by \((\w+)\)/g)]);
  expect(named.length).toBeGreaterThan(5);
  for (const [, filtered, grouped] of named) expect([...fields]).toContain(filtered ?? grouped);
});
