/** README.md and docs/ show what the code does: commands with their output, configs, programs, links. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../src/config/load.ts';
import { PRESET_NAMES } from '../src/policy/presets.ts';
import { RULES } from '../src/policy/types.ts';
import { runCli } from './support/cli.ts';
import { judged } from './support/facts.ts';
import { installPackage } from './support/installed.ts';
import { type Program, startCli } from './support/program.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Documents by their paths, relative to the root. */
const DOCUMENTS = new Map(
  ['README.md', ...readdirSync(path.join(ROOT, 'docs')).map((file) => `docs/${file}`)].map((file) => [
    file,
    readFileSync(path.join(ROOT, file), 'utf8'),
  ]),
);
const ALL = [...DOCUMENTS.values()].join('\n');
const POLICY = DOCUMENTS.get('docs/policy.md') as string;

/** Fenced blocks of a language. */
const blocks = (language: string): string[] =>
  [...ALL.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text]) => text as string,
  );

interface Shown {
  readonly command: string;
  readonly output: string;
}

/** Every `$ command` with what the document shows below it. */
const shown: Shown[] = blocks('console').flatMap((block) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...output] = part.split('\n');
      return { command, output: output.join('\n').trimEnd() };
    }),
);
const showing = (start: string) => shown.filter(({ command }) => command.includes(`npx skewgate ${start}`));
const trimEnds = (text: string) => text.replace(/ +$/gm, '').trimEnd();
/** The words after `npx skewgate`, without their quotes. */
const wordsOf = (command: string) =>
  command
    .replace(/^.*npx skewgate /, '')
    .split(/ +/)
    .map((word) => word.replace(/^'(.*)'$/, '$1'));

test('it shows something of each kind', () => {
  expect(shown.length).toBeGreaterThan(5);
  expect(blocks('yaml').length).toBeGreaterThan(1);
  expect(blocks('mermaid')).toHaveLength(2);
});

test.each([...showing('explain'), ...showing('matrix'), ...showing('plan')])(
  '$command',
  async ({ command, output }) => {
    const result = await runCli(wordsOf(command));
    expect(trimEnds(result.stdout)).toBe(output);
  },
);

const scenarios = blocks('yaml').filter((text) => text.includes('\nsteps:'));

test.each(blocks('yaml').filter((text) => !scenarios.includes(text)))(
  'a config that serve takes: %s',
  (text) => {
    // A block may show one chapter of a config; the rest is as small as it can be.
    const rest = {
      'listen:': 'listen: [{ tcp: 127.0.0.1:0 }]',
      'servers:': 'servers: [{ id: a, address: tcp://127.0.0.1:1 }]',
    };
    const missing = Object.entries(rest).filter(
      ([key]) => !text.includes(`\n${key}`) && !text.startsWith(key),
    );
    expect(parseConfig([text, ...missing.map(([, line]) => line)].join('\n')).servers.length).toBeGreaterThan(
      0,
    );
  },
);

test.each(scenarios)('a scenario, and the end of what it prints: %s', async (text) => {
  const cwd = await mkdtemp(path.join(os.tmpdir(), 'skewgate-readme-'));
  await writeFile(path.join(cwd, 'shop.yaml'), text);
  const { status, stdout } = await runCli(['test', 'shop.yaml'], { cwd });
  await rm(cwd, { recursive: true });
  expect(status).toBe(0);
  const [said] = showing('test');
  for (const part of (said?.output ?? '').split('…'))
    expect(trimEnds(stdout)).toContain(trimEnds(part).trim());
});

test('the summary of a decision log', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'skewgate-readme-'));
  const file = path.join(folder, 'decisions.ndjson');
  const clients = ['4.13.2', '4.12.1', '4.15.0', '4.15.0', '4.15.0'];
  const records = clients.map((version) => ({
    time: '2026-01-31T12:00:00.000Z',
    event: 'handshake',
    ...judged(version, ['4.14.1', '4.15.0']),
  }));
  await writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const summary = shown.find(({ command }) => command === 'npx skewgate log decisions.ndjson --summary');
  const { stdout } = await runCli(['log', file, '--summary']);
  await rm(folder, { recursive: true });
  expect(trimEnds(stdout)).toBe(summary?.output);
});

describe('the example that npm start runs', () => {
  let demo: Program;
  let folder: string;
  let address: string;
  beforeAll(async () => {
    // Not in the checkout: somebody may be running the example there.
    folder = await mkdtemp(path.join(os.tmpdir(), 'skewgate-readme-'));
    demo = startCli(['serve'], { keep: true, cwd: folder });
    const match = await demo.waitFor(/skewgate:\/\/(\S+)\n\s+skewgate\+ws:\/\/\S+\n[\s\S]*Decisions:/);
    address = match[1] as string;
  }, 20_000);
  afterAll(async () => {
    await demo.stop();
    await rm(folder, { recursive: true });
  });

  const anySession = (text: string) =>
    text.replace(/session [0-9a-z]{16}/g, 'session …').replace(/server rs\d \(4\.14\.\d\)/, 'server rs…');

  test.each(showing('connect'))('$command', async ({ command, output }) => {
    const words = wordsOf(command).map((word) => word.replace('127.0.0.1:8700', address));
    const input = /^echo (\w+) \|/.exec(command)?.[1];
    const { stdout, stderr, status } = await runCli(words, {
      input: input === undefined ? '' : `${input}\n`,
    });
    const lines = (text: string) => anySession(text).trim().split('\n').sort();
    expect(lines(stdout + stderr)).toEqual(lines(output));
    expect(status).toBe(output.startsWith('admitted') ? 0 : 1);
  });
});

describe('programs', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'skewgate-readme-'));
    await installPackage(folder);
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true }));

  test('the one that asks the policy prints what its comment says', async () => {
    const [program = ''] = blocks('js').filter((text) => text.includes('decide('));
    const file = path.join(folder, 'program.mjs');
    await writeFile(file, program);
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    expect(stdout.trim()).toBe(/^console\.log\(.*\); \/\/ (.*)$/m.exec(program)?.[1]);
  });

  test('the excerpt is of the example file', () => {
    const [excerpt = ''] = blocks('js').filter((text) => text.startsWith('test('));
    expect(readFileSync(path.join(ROOT, 'examples/fleet.test.mjs'), 'utf8')).toContain(excerpt);
  });
});

test.each([...DOCUMENTS])('every link to a file leads somewhere: %s', (file, text) => {
  const targets = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target]) => target as string);
  const missing = targets.filter(
    (target) => !/^https?:/.test(target) && !existsSync(path.join(ROOT, path.dirname(file), target)),
  );
  expect(missing).toEqual([]);
});

test('the npm scripts that it names exist', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  for (const [, name] of ALL.matchAll(/npm ci && npm (\w+)/g)) expect(scripts).toHaveProperty(name as string);
});

test('every rule has its row in the policy table, and every preset is named', () => {
  const rows = [...POLICY.matchAll(/^\| ([A-Z]\d) \|/gm)].map(([, rule]) => rule);
  expect(rows.toSorted()).toEqual(RULES.filter((rule) => /^[A-Z]\d$/.test(rule)).toSorted());
  for (const preset of PRESET_NAMES) expect(POLICY).toContain(`\`${preset}\``);
});
