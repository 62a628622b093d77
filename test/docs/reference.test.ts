/** What the documents list is what the code has: rules, presets, codes, folders, files. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { CODE_NAMES } from '../../src/policy/codes.ts';
import { PRESET_NAMES } from '../../src/policy/presets.ts';
import { RULES } from '../../src/policy/types.ts';
import { markdownFiles, ROOT, readDocument } from '../support/documents.ts';

const POLICY = readDocument('docs/policy.md');
/** First cells of the rows of a document's tables, without ticks, stars and links. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| (.*?) \|/gm)].map(([, cell]) => (cell as string).replace(/[`*[]|\]\(.*\)/g, ''));

test('README.md is short enough to be read', () => {
  expect(readDocument('README.md').split('\n').length).toBeLessThanOrEqual(262);
});

test('every rule has its row in the policy table, and every preset its own', () => {
  const rows = rowsOf(POLICY);
  expect(rows.filter((row) => /^[A-Z]\d$/.test(row)).toSorted()).toEqual(
    RULES.filter((rule) => /^[A-Z]\d$/.test(rule)).toSorted(),
  );
  for (const preset of PRESET_NAMES) expect(rows).toContain(preset);
});

test('troubleshooting says of every code what to do, in the order of the table of codes', () => {
  const text = readDocument('docs/troubleshooting.md');
  expect([...text.matchAll(/^### `([A-Z_]+)`$/gm)].map(([, code]) => code)).toEqual(CODE_NAMES);
});

describe('architecture.md', () => {
  const text = readDocument('docs/architecture.md');
  const folders = readdirSync(path.join(ROOT, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `src/${name}`);

  test('has a line for every folder of src, and for no other', () => {
    expect(
      rowsOf(text)
        .filter((row) => row.startsWith('src/'))
        .toSorted(),
    ).toEqual(folders.toSorted());
  });

  test('shows every folder of src in its picture', () => {
    const [picture = ''] = /^```mermaid\n(.*?)^```$/ms.exec(text) ?? [];
    expect(folders.filter((folder) => !new RegExp(`${folder}\\b`).test(picture))).toEqual([]);
  });
});

describe('the ways through the code in architecture.md', () => {
  const ways = readDocument('docs/architecture.md')
    .split(/^### From /m)
    .slice(1)
    .map((way) => [...way.matchAll(/^\d+\. `(src\/[\w./-]+\.ts)`/gm)].map(([, file]) => file as string));

  test('go from file to file, a line each, and never back to one that was opened', () => {
    expect(ways.map((way) => [way[0], way.length > 10])).toEqual([
      ['src/gateway/listeners.ts', true],
      ['src/gateway/admission.ts', true],
    ]);
    for (const way of ways) expect(way).toEqual([...new Set(way)]);
  });
});

test('the glossary has every word once, in order', () => {
  const words = rowsOf(readDocument('docs/glossary.md')).filter((word) => !/^(?:word|---)$/.test(word));
  expect(words.length).toBeGreaterThan(30);
  expect(words).toEqual([...new Set(words)].toSorted((one, other) => one.localeCompare(other, 'en')));
});

const MENTION = /(?<![\w./-])(?:src|test|proto|docs|examples|docker|\.ci)\/[\w./-]*\w/g;

test.each(markdownFiles())('every file of the project that %s names is there', (file) => {
  const mentioned = [...new Set(readDocument(file).match(MENTION) ?? [])];
  expect(mentioned.filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([]);
});
