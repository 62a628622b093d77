/** A config that is valid, on a machine that lacks what it names: `check` and `serve` say which key needs it. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, parseServable } from '../../src/config/load.ts';
import { tempFolder } from '../support/folder.ts';

const ENDS = `listen: [{ tcp: 127.0.0.1:8700 }, { ws: '[::1]:8701' }, { tcp: 0.0.0.0:8702 }]
servers:
  - id: a
    address: tcp://127.0.0.1:9
`;

/** A folder with a program, a file that is none, and a module. */
function place(): string {
  const folder = tempFolder();
  mkdirSync(path.join(folder, 'logs'));
  writeFileSync(path.join(folder, 'upgrade.sh'), '#!/bin/sh\n');
  chmodSync(path.join(folder, 'upgrade.sh'), 0o755);
  writeFileSync(path.join(folder, 'notes.txt'), 'text');
  writeFileSync(path.join(folder, 'upgrade.mjs'), 'export default () => {};');
  return folder;
}

async function problemsOf(yaml: string, folder = place()): Promise<string[]> {
  const file = path.join(folder, 'gate.yaml');
  writeFileSync(file, yaml);
  try {
    parseServable(yaml, file, folder);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message
      .replaceAll(file, 'gate.yaml')
      .replaceAll(folder, 'FOLDER')
      .split('\n');
  }
}

test('nothing is wrong where all that is named is there: in PATH, by path, relative to the folder', async () => {
  const yaml = `${ENDS}    version: { command: [cat, VERSION] }
log: { file: logs/decisions.ndjson }
migration:
  ledger: sqlite:logs/ledger.db
  hook: { command: [./upgrade.sh] }
  check: { command: [/bin/sh, -c, 'true'] }
  snapshot: { module: upgrade.mjs }
  hooks: { 4.15.0: { http: 'http://127.0.0.1:1/' } }
`;
  expect(await problemsOf(yaml)).toEqual([]);
});

test.each<[string, string, string]>([
  [
    'a folder for the log',
    'log: { file: nowhere/decisions.ndjson }',
    '5: log.file: the folder FOLDER/nowhere does not exist',
  ],
  ['a log that is a folder', 'log: { file: logs }', '5: log.file: FOLDER/logs is a folder, not a file'],
  [
    'a log in a file',
    'log: { file: notes.txt/decisions.ndjson }',
    '5: log.file: FOLDER/notes.txt is not a folder',
  ],
  [
    'a log that is the config itself',
    'log: { file: ./gate.yaml }',
    '5: log.file: this is the config file itself, which records would be appended to',
  ],
  [
    'a folder for the ledger',
    'migration:\n  ledger: sqlite:nowhere/ledger.db',
    '6: migration.ledger: the folder FOLDER/nowhere does not exist',
  ],
  [
    'a program that is not in PATH',
    'migration:\n  hook: { command: [no-such-program, now] }',
    '6: migration.hook.command[0]: the program no-such-program was not found in PATH',
  ],
  [
    'a program by its path',
    'migration:\n  snapshot:\n    command: [./no-such.sh]',
    '7: migration.snapshot.command[0]: the program FOLDER/no-such.sh does not exist',
  ],
  [
    'a program that may not be run',
    'migration: { check: { command: [./notes.txt] } }',
    '5: migration.check.command[0]: FOLDER/notes.txt is not executable',
  ],
  [
    'the hook of one release',
    'migration:\n  hooks:\n    4.15.0: { module: ./no-such.mjs }',
    '7: migration.hooks.4.15.0.module: the file FOLDER/no-such.mjs does not exist',
  ],
  [
    'the program that prints a version',
    '    version: { command: [no-such-program] }',
    '5: servers[0].version.command[0]: the program no-such-program was not found in PATH',
  ],
])('%s is missing: line and key are named', async (_what, yaml, problem) => {
  expect(await problemsOf(`${ENDS}${yaml}\n`)).toEqual([`gate.yaml:${problem}`]);
});

test('a log that is a link to the config is noticed, since its records would end up in the config', async () => {
  const folder = place();
  symlinkSync(path.join(folder, 'gate.yaml'), path.join(folder, 'decisions.ndjson'));
  expect(await problemsOf(`${ENDS}log: { file: decisions.ndjson }\n`, folder)).toEqual([
    expect.stringMatching(/^gate\.yaml:5: log\.file: this is the config file itself/),
  ]);
});

test.each([
  ['tcp://127.0.0.1:8700', 0],
  ['tcp://localhost:8700', 0],
  ['ws://[::1]:8701/path', 1],
  ['tcp://127.0.0.1:8702', 2],
  ['tcp://localhost:8702', 2],
  ['tcp://0.0.0.0:8702', 2],
])(
  "a server at %s is the gate's own listener, where one connection would open the next without end",
  async (address, listener) => {
    expect(await problemsOf(ENDS.replace('tcp://127.0.0.1:9', address))).toEqual([
      `gate.yaml:4: servers[0].address: this is the gate's own listener, listen[${listener}]: it would connect to itself without end`,
    ]);
  },
);

test.each(['tcp://127.0.0.1:8703', 'tcp://192.0.2.1:8702', 'tcp://rs1.example:8700'])(
  'a server at %s is another program',
  async (address) => {
    expect(await problemsOf(ENDS.replace('tcp://127.0.0.1:9', address))).toEqual([]);
  },
);
