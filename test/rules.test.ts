/** Every rule of the policy has tests that cite it in their titles, as in `test('[M1] …')`. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RULES } from '../src/policy/types.ts';

const TESTS = fileURLToPath(new URL('.', import.meta.url));
const SELF = 'rules.test.ts';
/** Ids as the policy's table gives them. */
const IDS = ['P1', 'M1', 'M2', 'M3', 'M4', 'M5', 'J1', 'N1'];

/** Rule ids cited in the titles of a test file. Tests that are skipped or only planned do not count. */
function citedIn(source: string): string[] {
  const code = source.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  const titles = code.matchAll(
    /(?<call>[\w.]*|\))\(\s*(?<quote>['"`])(?<title>(?:\\.|(?!\k<quote>)[^\\])*)\k<quote>\s*,/g,
  );
  return [...titles].flatMap(({ groups = {} }) => {
    const call = groups.call as string;
    const runs = /^(?:test|it)(?:\.(?:concurrent|sequential|fails))*$|^\)$/.test(call);
    return runs ? [...(groups.title as string).matchAll(/\[([A-Z]\d)\]/g)].map(([, id]) => id as string) : [];
  });
}

describe('the rules', () => {
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts') && path !== SELF)
    .sort();
  const cited = new Map(files.map((path) => [path, citedIn(readFileSync(`${TESTS}/${path}`, 'utf8'))]));

  test('have the ids of the documented policy', () => {
    expect(RULES.filter((rule) => /^[A-Z]\d$/.test(rule))).toEqual(IDS);
  });

  test.each(IDS)('%s is cited by a test', (id) => {
    const citing = files.filter((path) => cited.get(path)?.includes(id));
    expect(citing, `no title under test/ cites ${id} in brackets`).not.toEqual([]);
  });

  test('no test cites a rule that does not exist', () => {
    const unknown = files.flatMap((path) =>
      (cited.get(path) ?? []).filter((id) => !IDS.includes(id)).map((id) => `${path}: ${id}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('the check itself', () => {
  test.each([
    [`test('[Z1] a title', () => {`, ['Z1']],
    [`it("[Z1] [Z2] two rules", async () => {`, ['Z1', 'Z2']],
    [`test.concurrent(\n  '[Z1] on a line of its own',\n  () => {`, ['Z1']],
    [`test.each([['a', 1]])('[Z1] client %s', (a) => {`, ['Z1']],
    ['test(`[Z1] a template`, () => {', ['Z1']],
    [`test('it says \\'no\\' [Z1]', () => {`, ['Z1']],
  ])('finds %j', (source, expected) => {
    expect(citedIn(source)).toEqual(expected);
  });

  test.each([
    `// test('[Z1] in a comment', () => {`,
    ` * test('[Z1] in a comment', () => {`,
    `test.skip('[Z1] skipped', () => {`,
    `test.todo('[Z1] planned', () => {`,
    `describe('[Z1] a group says nothing', () => {`,
    `expect('[Z1] a value', 'x')`,
    `const title = '[Z1] no test';`,
  ])('passes over %j', (source) => {
    expect(citedIn(source)).toEqual([]);
  });
});
