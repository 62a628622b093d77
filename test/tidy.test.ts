/**
 * What keeps the house tidy, read from the text of its files: exported classes and functions say what they are for,
 * files stay small, links lead somewhere, no file is left over.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  anchorsIn,
  blocksIn,
  markdownFiles,
  ROOT,
  readDocument,
  relativeLinksIn,
} from './support/documents.ts';
import { importsOf, readSources, resolveImport } from './support/imports.ts';

const MAX_LINES = 400;
/** Of a file of tests, which is read case by case. */
const MAX_TEST_LINES = 450;
/** Columns of a line of prose in a document. Tables, code and links may be longer. */
const MAX_COLUMNS = 120;
/** Longer files, and why: tables of cases that read best in one place. */
const LONG = new Set(['proto/bad-inputs.ts']);
/** Names that meant two things, or nothing to a reader; docs/glossary.md has the words that stand for them now. */
const GIVEN_UP =
  /\b(?:Caller|Crowd|Farewell|Porch|Knock|Visit|Surroundings|Patience|Sightings|Chronicle|mistakesIn|takePlace|sawNewer|followBack|whyNot|toldOf)\b/g;

const EXPORT =
  /^export (?:default )?(?:abstract )?(?:(?:async )?function\*?|class) (?<name>\w+)|^export const (?<arrow>\w+)(?:: [^=]+)? =\s+(?:async )?(?:<[^>]*>)?(?:\w+|\([^;]*?\))(?:: [^;=]+)? =>/gm;

/** Exported classes and functions without a doc comment right above them. Overloads share the first one's. */
function undescribedIn(text: string): string[] {
  const described = new Set<string>();
  return [...text.matchAll(EXPORT)].flatMap((match) => {
    const name = match.groups?.name ?? match.groups?.arrow ?? '';
    if (described.has(name) || /\*\/\s*$/.test(text.slice(0, match.index))) {
      described.add(name);
      return [];
    }
    return [name];
  });
}

const linesOf = (text: string) => text.split('\n').length - 1;

function scriptsIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:ts|mjs|cjs)$/.test(file) && !file.includes('node_modules'))
    .map((file) => path.posix.join(folder, file.replaceAll(path.sep, '/')));
}

describe('sources', () => {
  const sources = readSources();
  const scripts = ['src', 'test', 'proto', 'bench', 'docker', 'examples'].flatMap(scriptsIn);
  const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

  test('are found', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(scripts.length).toBeGreaterThan(200);
  });

  test('every exported class and function has a doc comment', () => {
    const missing = sources.flatMap((file) =>
      undescribedIn(file.text).map((name) => `src/${file.path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  const limitOf = (file: string) => (file.startsWith('test/') ? MAX_TEST_LINES : MAX_LINES);

  test(`no file has more than ${MAX_LINES} lines, or ${MAX_TEST_LINES} of tests`, () => {
    expect(scripts.filter((file) => !LONG.has(file) && linesOf(read(file)) > limitOf(file))).toEqual([]);
  });

  test('no value is cast to any', () => {
    const cast = new RegExp(`\\bas ${'any'}(?=\\s*[;,).\\]])|<${'any'}>`);
    expect(scripts.filter((file) => cast.test(read(file)))).toEqual([]);
  });

  test('no word that was given up for a clearer one comes back', () => {
    const back = sources.flatMap(({ path: file, text }) =>
      (text.match(GIVEN_UP) ?? []).map((word) => `src/${file}: ${word}`),
    );
    expect(back).toEqual([]);
  });

  test('no file of src is left over: each is an entry point, or imported by another', () => {
    const imports = [
      ...sources.flatMap((file) => file.imports.map(({ specifier }) => resolveImport(file.path, specifier))),
      ...scriptsIn('proto').flatMap((file) =>
        importsOf(read(file)).map(({ specifier }) => specifier.replace('../src/', '')),
      ),
    ];
    const used = new Set([
      ...imports,
      'index.ts',
      'cli/main.ts',
      'testing/index.ts',
      'testing/vitest.ts',
      'testing/jest.ts',
    ]);
    // Some are started or preloaded by name, as in `new URL('./worker.ts', import.meta.url)`, or without its ending.
    const named = sources.flatMap(({ text }) => [...text.matchAll(/['`](\.{1,2}\/[\w./-]+)['$]/g)]);
    const names = new Set(named.map(([, target]) => path.basename(target as string, '.ts')));
    const left = sources
      .map((file) => file.path)
      // What the page of the admin side is made of is found by its own test.
      .filter((file) => !file.startsWith('admin/page/'))
      .filter((file) => !used.has(file) && !names.has(path.basename(file, '.ts')));
    expect(left).toEqual([]);
  });
});

describe.each(markdownFiles())('%s', (file) => {
  const text = readDocument(file);
  const anchors = anchorsIn(text);

  test('every link inside the project leads to a file that is there, and to a heading in it', () => {
    const broken = relativeLinksIn(text).filter((link) => {
      const [target = '', anchor] = link.split('#');
      const there = target === '' ? file : path.posix.join(path.posix.dirname(file), target);
      if (!existsSync(path.join(ROOT, there))) return true;
      return anchor !== undefined && !anchorsIn(readDocument(there)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('no two headings have one anchor', () => {
    expect(anchors.filter((anchor, at) => anchors.indexOf(anchor) !== at)).toEqual([]);
  });

  test('prose fits into the width of a terminal', () => {
    const prose = blocksIn(file, text).reduce((rest, block) => rest.replace(block.text, ''), text);
    const wide = prose
      .split('\n')
      .filter((line) => line.length > MAX_COLUMNS && !/^ *\||\]\(|<!--|<svg|<img/.test(line));
    expect(wide).toEqual([]);
  });
});

describe('the check itself', () => {
  test.each([
    ['a function', 'export function a() {}', ['a']],
    ['an async generator', 'export async function* a() {}', ['a']],
    ['a class', 'export abstract class A {}', ['A']],
    ['an arrow function', 'export const a = (b: number): string =>\n  String(b);', ['a']],
    ['a line comment', '// Says nothing to an editor.\nexport function a() {}', ['a']],
    ['a described function', '/** Says something. */\nexport function a() {}', []],
    [
      'overloads under one comment',
      '/** Says. */\nexport function a(): void;\nexport function a(b?: 1) {}',
      [],
    ],
    ['a constant', 'export const a = 1;\nconst b = () => 2;', []],
    ['what stays in the file', 'function a() {}\nclass B {}', []],
  ])('%s', (_what, text, expected) => {
    expect(undescribedIn(text)).toEqual(expected);
  });

  test('anchors are those that GitHub makes', () => {
    const text = '# One `two`: three\n```sh\n# no heading\n```\n## [Linked](x.md), twice\n### 0x04 refuse';
    expect(anchorsIn(text)).toEqual(['one-two-three', 'linked-twice', '0x04-refuse']);
  });

  test('links in code are no links', () => {
    expect(relativeLinksIn('[a](b.md) `[c](d.md)` [e](https://f)\n```\n[g](h)\n```\n[i](#j)')).toEqual([
      'b.md',
      '#j',
    ]);
  });

  test('the paragraph in front of a block may name its file', () => {
    const text = 'One.\n\nWrite `a.yaml`:\n\n```yaml\na: 1\n```\n\n```console\n$ true\n```\n';
    expect(blocksIn('x.md', text)).toMatchObject([
      { language: 'yaml', text: 'a: 1\n', before: 'Write `a.yaml`:' },
      { language: 'console', text: '$ true\n', before: '' },
    ]);
  });
});
