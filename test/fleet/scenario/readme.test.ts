/** examples/scenarios/README.md shows what the command prints, and every step and expectation there is. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { scenarioSchema } from '../../../src/fleet/scenario.ts';
import { runCli } from '../../support/cli.ts';
import { tempFolder } from '../../support/folder.ts';
import { readScenario, SCENARIOS, scenarioFiles } from '../../support/scenarios.ts';

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

interface Keys {
  readonly properties: Readonly<Record<string, { readonly description?: string }>>;
}

test('its tables name every step and every expectation, as the schema describes them', () => {
  const { properties } = z.toJSONSchema(scenarioSchema, {
    io: 'input',
    unrepresentable: 'any',
  }) as unknown as {
    properties: { steps: { items: Keys }; expect: Keys };
  };
  const rows = [properties.steps.items, properties.expect].flatMap((keys) =>
    Object.entries(keys.properties).map(([key, { description }]) => `| \`${key}\` | ${description} |`),
  );
  expect(README.split('\n').filter((line) => /^\| `/.test(line))).toEqual(rows);
});

test('it lists every file with its name, and links lead somewhere', () => {
  const rows = scenarioFiles.map(
    (file) => `| [${path.basename(file)}](${path.basename(file)}) | ${readScenario(file).name} |`,
  );
  expect(README.split('\n').filter((line) => line.startsWith('| ['))).toEqual(rows.toSorted());
  for (const [, target] of README.matchAll(/\]\(([^)]+)\)/g))
    expect(existsSync(path.join(SCENARIOS, target as string))).toBe(true);
});
