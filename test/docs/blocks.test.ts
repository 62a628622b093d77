/** Every config, scenario and program that README.md and docs/ show is one that works. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { parseScenario } from '../../src/fleet/scenario.ts';
import { ROOT } from '../support/documents.ts';
import { installPackage } from '../support/installed.ts';
import { type Program, startCli } from '../support/program.ts';
import { allBlocks, blocksOf } from '../support/snippets.ts';

/** recipes.test.ts reads `logql`. */
const LANGUAGES = ['console', 'yaml', 'js', 'sh', 'json', 'logql', 'mermaid', ''];

test('no block is in a language that nothing reads', () => {
  expect(allBlocks.length).toBeGreaterThan(20);
  expect(allBlocks.filter(({ language }) => !LANGUAGES.includes(language))).toEqual([]);
});

/** A block may show one section of a config; the rest is as small as it can be. */
function completed(text: string): string {
  const rest = {
    'listen:': 'listen: [{ tcp: 127.0.0.1:0 }]',
    'servers:': 'servers: [{ id: a, address: tcp://127.0.0.1:1 }]',
  };
  const missing = Object.entries(rest).filter(([key]) => !new RegExp(`^${key}`, 'm').test(text));
  return [text, ...missing.map(([, line]) => line)].join('\n');
}

test.each(blocksOf('yaml'))('$document: a file that is taken: $text', ({ text }) => {
  const read = /^steps:/m.test(text) ? parseScenario(text) : parseConfig(completed(text));
  expect(read.servers).toBeDefined();
});

test.each(blocksOf('json'))('$document: every line is JSON: $text', ({ text }) => {
  const whole = text.startsWith('{\n') ? [text] : text.trim().split('\n');
  for (const line of whole) expect(() => JSON.parse(line)).not.toThrow();
});

test.each(blocksOf('sh'))(
  '$document: the scripts and files that a shell is given exist: $text',
  ({ text }) => {
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    const own = [...text.matchAll(/\bnpm (?:run )?([\w:]+)/g)].map(([, name]) => name as string);
    expect(own.filter((name) => !['ci', 'install'].includes(name) && !(name in scripts))).toEqual([]);
    const files = text.match(/(?<![\w/])(?:docker|examples|test|proto|\.ci)\/[\w./-]+/g) ?? [];
    expect(files.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
  },
);

const isProgram = (text: string) => /^import /m.test(text);

test.each(blocksOf('js').filter(({ text }) => !isProgram(text)))(
  '$document: an excerpt is of an example file: $text',
  ({ text }) => {
    const examples = readdirSync(path.join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.m?js$/.test(file) && !file.includes('node_modules'))
      .map((file) => readFileSync(path.join(ROOT, 'examples', file), 'utf8'));
    expect(examples.some((example) => example.includes(text))).toBe(true);
  },
);

describe('programs', () => {
  let folder: string;
  let example: Program;
  let address: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'skewgate-docs-'));
    await installPackage(folder);
    example = startCli(['serve'], { keep: true, cwd: folder });
    address = (await example.waitFor(/skewgate:\/\/(\S+)\n[\s\S]*Decisions:/))[1] as string;
  }, 60_000);
  afterAll(async () => {
    await example?.stop();
    rmSync(folder, { recursive: true });
  });

  test.each(blocksOf('js').filter(({ text }) => isProgram(text)))(
    '$document: a program that runs, and prints what its comments say: $text',
    async ({ text }) => {
      const file = path.join(folder, 'program.mjs');
      // A session that stays open would keep the program going.
      writeFileSync(file, `${text.replace('127.0.0.1:8700', address)}\nprocess.exit();\n`);
      const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 20_000 });
      const said = [...text.matchAll(/^ *console\.log\(.*\); \/\/ (.*)$/gm)].map(([, comment]) => comment);
      expect(stdout.trim().split('\n').filter(Boolean)).toEqual(said);
    },
  );
});
