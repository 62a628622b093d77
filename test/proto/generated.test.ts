import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BAD_INPUTS } from '../../proto/bad-inputs.ts';
import { documents, fill, generated, outdated, TEXT_NAMES } from '../../proto/generate.ts';
import { printJson } from '../../proto/print-json.ts';
import { expectationsTable, scenariosTable, stepsTable } from '../../proto/scenario-tables.ts';
import { codesTable } from '../../proto/tables.ts';
import { configTable } from '../../src/config/reference.ts';
import { configSchema } from '../../src/config/schema.ts';
import { CODE_NAMES } from '../../src/policy/codes.ts';
import { MAX_MESSAGE } from '../../src/transport/ws-connection.ts';
import { closeCodeOf } from '../../src/wire/close.ts';
import { MAX_PAYLOAD } from '../../src/wire/frame.ts';
import { encodeMessage, MESSAGES } from '../../src/wire/messages.ts';
import { encodePreface } from '../../src/wire/preface.ts';
import { NAMES } from '../support/examples.ts';
import { scenarioFiles } from '../support/scenarios.ts';

const README = readFileSync(new URL('../../proto/README.md', import.meta.url), 'utf8');

describe('generated files', () => {
  test('are current: otherwise run "npm run generate"', () => {
    expect(outdated()).toEqual([]);
  });

  test('are the same however often they are made', () => {
    expect([...generated()]).toEqual([...generated()]);
    for (const [file, text] of generated()) if (file.endsWith('.md')) expect(fill(text)).toBe(text);
  });

  test('a table goes between its markers and nowhere else', () => {
    const start = '<!-- generated:codes -->';
    const end = '<!-- /generated:codes -->';
    const filled = fill(`before\n${start}old${end}\nafter`);
    expect(filled).toBe(`before\n${start}\n\n${codesTable()}\n\n${end}\nafter`);
    expect(fill(filled)).toBe(filled);
    expect(fill('no markers')).toBe('no markers');
  });

  test.each([
    ['a name that nothing makes', '<!-- generated:nonsense --><!-- /generated:nonsense -->', 'nonsense'],
    ['a start without an end', '<!-- generated:codes -->\ntext', 'has no end'],
    ['an end without a start', 'text <!-- /generated:codes -->', 'does not match'],
    ['one table inside another', '<!-- generated:codes --><!-- generated:config -->', 'does not match'],
  ])('%s is an error that names the document', (_what, text, message) => {
    expect(() => fill(text, 'docs/some.md')).toThrow(message);
    expect(() => fill(text, 'docs/some.md')).toThrow('docs/some.md');
  });

  test('every table that can be made stands in a document', () => {
    const found = documents().map((file) => generated().get(file) as string);
    for (const name of TEXT_NAMES)
      expect(
        found.some((text) => text.includes(`<!-- generated:${name} -->`)),
        name,
      ).toBe(true);
  });

  test('JSON reads back as what was printed', () => {
    const value = { a: [], b: {}, c: [1, 'two', null], d: [{ e: ['x'.repeat(120), 'y'] }], f: [[1], [2]] };
    expect(JSON.parse(printJson(value))).toEqual(value);
    expect(printJson({ c: [1, 2] })).toBe('{\n  "c": [1, 2]\n}\n');
  });
});

describe('proto/README.md', () => {
  test('has a row for every code, with its close code, and a table for every message', () => {
    for (const code of CODE_NAMES) {
      expect(README).toContain(`\n| \`${code}\` |`);
      expect(README).toContain(`\n| ${closeCodeOf(code)} | refused: \`${code}\` |`);
    }
    for (const name of NAMES)
      expect(README).toContain(`### 0x${MESSAGES[name].type.toString(16).padStart(2, '0')} ${name}\n`);
  });

  test('the example, byte by byte, is what the code sends', () => {
    const [, block = ''] = /byte by byte:\n\n```\n(.*?)```/s.exec(README) ?? [];
    const hex = block
      .split('\n')
      .map((line) => line.slice(0, 38).replace(/[^0-9a-f]/g, ''))
      .join('');
    const sent = Buffer.concat([
      encodePreface({ min: 1, max: 1 }),
      encodeMessage('hello', { version: '4.14.0' }),
    ]);
    expect(hex).toBe(sent.toString('hex'));
  });

  test('states the limits that the code has', () => {
    expect(README).toContain(`at most ${MAX_PAYLOAD} |`);
    expect(MAX_MESSAGE).toBe(1_048_576);
    expect(README).toContain('A message holds at most 1 MiB, ');
  });

  test('states the time limits that the code has', () => {
    const { timeouts, migration } = configSchema.parse({
      listen: [{ tcp: '127.0.0.1:0' }],
      servers: [{ id: 'rs1', address: 'tcp://127.0.0.1:1' }],
    });
    const row = (what: string, ms: number) => expect(README).toContain(`| ${what} | ${ms / 1_000} s |`);
    row("a client's hello, from accepting the connection to its last byte", timeouts.handshake);
    row('a client that is held for a server', timeouts.hold);
    row('a client that is held for an upgrade', migration.hold.deadline);
    row('connecting to a server, up to its `serverHello`', timeouts.dial);
  });

  test('names every receiver and state that the vectors use', () => {
    const states = README.slice(README.indexOf('## States'), README.indexOf('## Raw bytes'));
    for (const { receiver, state } of BAD_INPUTS) {
      expect(states).toMatch(new RegExp(`\\b${state}\\b`));
      expect(states.toLowerCase()).toContain(receiver);
    }
  });
});

describe('the config table', () => {
  const rows = configTable().split('\n').slice(2);
  const keys = rows.map((row) => /^\| `(.*?)` \|/.exec(row)?.[1]);

  test('has a row for every key, also inside lists and where a value may be several things', () => {
    expect(keys).toEqual(
      expect.arrayContaining([
        'cluster',
        'listen',
        'listen[].tcp',
        'listen[].assume',
        'servers[].id',
        'servers[].version',
        'servers[].version.command',
        'policy.preset',
        'catalogue.releases[].level',
        'catalogue.releases[].major.downtime',
        'log.rotate',
        'timeouts.hold',
        'limits.sessions',
      ]),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('shows defaults, what is required, and the words that may be used', () => {
    const row = (key: string) => rows[keys.indexOf(key)];
    expect(row('log.rotate')).toContain('| `64mb` |');
    expect(row('log.durable')).toContain('| `false` |');
    expect(row('servers[].id')).toContain('| required |');
    expect(row('policy.preset')).toMatch(
      /\| `phoenix` \|.*`phoenix-as-coded`, `kubernetes`, `ranges`, `custom`/,
    );
  });
});

describe('the tables about scenarios', () => {
  const cells = (table: string) =>
    table
      .split('\n')
      .slice(2)
      .map((row) => row.split(' | '));

  test('describe every step and every expectation', () => {
    const steps = cells(stepsTable());
    expect(steps.length).toBeGreaterThanOrEqual(16);
    for (const [name, meaning] of [...steps, ...cells(expectationsTable())])
      expect(meaning, name).toMatch(/\w \|$/);
  });

  test('list every file that ships', () => {
    expect(cells(scenariosTable())).toHaveLength(scenarioFiles.length);
  });
});
