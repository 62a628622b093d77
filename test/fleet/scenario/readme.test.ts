/** examples/scenarios/README.md shows what the command prints. Its tables are generated (test/proto). */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { tempFolder } from '../../support/folder.ts';
import { SCENARIOS } from '../../support/scenarios.ts';

const README = readFileSync(path.join(SCENARIOS, 'README.md'), 'utf8');

const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text]) => text as string,
  );

/** Each scenario with what the README shows of its output; `…` stands for lines left out. */
const shown = blocks('yaml').map((scenario, at) => {
  const [command = '', ...output] = (blocks('console')[at] as string).split('\n');
  return { scenario, command, parts: output.join('\n').split(/^…$/m) };
});

test('it shows one that fails and one that passes', () => {
  expect(shown).toHaveLength(2);
});

test.each(shown)('$command: $parts.length parts of what it prints', async ({ scenario, command, parts }) => {
  const cwd = tempFolder();
  writeFileSync(path.join(cwd, 'shop.yaml'), scenario);
  const words = command.replace('$ npx skewgate ', '').split(' ');
  const { status, stdout } = await runCli(words, { cwd });
  const places = parts.map((part) => stdout.indexOf(part.trim()));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
  expect(status).toBe(stdout.includes('\nFAILED') ? 1 : 0);
});
