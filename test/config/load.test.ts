/** A config file that is right gives its Config; one that is wrong says where and what. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, loadConfig, type Problem, parseConfig } from '../../src/config/load.ts';
import { tempFolder } from '../support/folder.ts';

/** As the users of the first release were promised it. */
const EXAMPLE = `cluster: main
listen:
  - tcp: 127.0.0.1:8700
  - ws: 127.0.0.1:8701
  - tcp: 127.0.0.1:8713        # any TCP program on this port counts as a 4.13.1 client
    assume: 4.13.1
servers:
  - id: rs1
    address: tcp://127.0.0.1:9001
  - id: pg
    address: tcp://127.0.0.1:5432
    version: 4.14.0            # does not speak the handshake: version stated
policy: { preset: phoenix }
log: { file: decisions.ndjson }
`;

/** Six lines; what a test adds stands on line 7 and after, a key of the server on line 7 too. */
const BASE = `cluster: main
listen:
  - tcp: 127.0.0.1:0
servers:
  - id: a
    address: tcp://127.0.0.1:9
`;

test('the example of the documentation is valid, and means what it says', () => {
  const config = parseConfig(EXAMPLE);
  expect(config).toMatchObject({
    cluster: 'main',
    listen: [
      { tcp: '127.0.0.1:8700' },
      { ws: '127.0.0.1:8701' },
      { tcp: '127.0.0.1:8713', assume: '4.13.1' },
    ],
    servers: [
      { id: 'rs1', address: 'tcp://127.0.0.1:9001' },
      { id: 'pg', address: 'tcp://127.0.0.1:5432', version: '4.14.0' },
    ],
    policy: { preset: 'phoenix' },
    log: { file: 'decisions.ndjson', durable: false, rotate: 64 * 1_048_576, keep: 5 },
    timeouts: { handshake: 10_000, hold: 30_000, dial: 3_000, probe: 5_000, drain: 10_000 },
    limits: { handshakes: 10_000, sessions: 100_000 },
  });
  expect(config.servers[0]).not.toHaveProperty('version');
  expect(config.listen[0]).not.toHaveProperty('assume');
});

test('a file of nothing but listeners and servers is enough', () => {
  const config = parseConfig('listen: [{ ws: "[::1]:0" }]\nservers: [{ id: a, address: ws://h:1/path }]');
  expect(config).toMatchObject({ cluster: 'main', policy: { preset: 'phoenix' } });
  expect(config.log.file).toBeUndefined();
});

test('versions by command and over HTTP, and further releases, are taken as written', () => {
  const config = parseConfig(`${BASE}    version: { command: [cat, VERSION], pattern: 'v=(.*)' }
  - id: b
    address: tcp://127.0.0.1:10
    version: { http: 'http://127.0.0.1:80/version' }
catalogue:
  extends: none
  releases:
    - version: 6.0.0
      accepts: [5.10, '5.9']
`);
  expect(config.servers.map(({ version }) => version)).toEqual([
    { command: ['cat', 'VERSION'], pattern: 'v=(.*)' },
    { http: 'http://127.0.0.1:80/version' },
  ]);
  // YAML alone would read 5.10 as 5.1.
  expect(config.catalogue?.releases).toEqual([{ version: '6.0.0', accepts: ['5.10', '5.9'] }]);
});

test.each<[string, string, Array<[line: number | null, field: string, message: RegExp]>]>([
  [
    'an empty file',
    '',
    [
      [null, 'listen', /is missing/],
      [null, 'servers', /is missing/],
    ],
  ],
  ['a list instead of a map', '- a\n- b\n', [[1, '', /expected a map of keys, not a list/]]],
  ['text instead of a map', 'hello\n', [[1, '', /expected a map of keys, not "hello"/]]],
  ['tabs', 'listen:\n\t- tcp: 127.0.0.1:0\n', [[2, 'listen', /[Tt]abs/]]],
  ['a bracket that is not closed', 'cluster: main\nlisten: [\n', [[3, 'listen', /\]/]]],
  [
    'a key that stands twice',
    `${BASE}cluster: other\n`,
    [[7, 'cluster', /the key stands twice, first on line 1/]],
  ],
  ['two documents', `${BASE}---\n${BASE}`, [[7, '', /a second document begins/]]],
  [
    'an unknown key',
    `${BASE}polisy: { preset: phoenix }\n`,
    [[7, 'polisy', /there is no such key \(did you mean policy\?\)/]],
  ],
  [
    'an unknown key further in',
    `${BASE}policy:\n  preset: custom\n  windoww: 2\n`,
    [[9, 'policy.windoww', /\(did you mean window\?\)/]],
  ],
  [
    'an unknown key in an entry of a list, of which one form is right',
    `${BASE}    version: { command: [redis], patern: x }\n`,
    [[7, 'servers[0].version.patern', /\(did you mean pattern\?\)/]],
  ],
  [
    'a key that is there already',
    `${BASE}    version: 4.14.0\n    versions: 4.14.0\n`,
    [[8, 'servers[0].versions', /^there is no such key$/]],
  ],
  [
    'a name that every object has',
    `${BASE}constructor: 1\n__proto__: 1\n`,
    [
      [7, 'constructor', /^there is no such key$/],
      [8, '__proto__', /^there is no such key$/],
    ],
  ],
  [
    'a text that is not closed, further in',
    `${BASE}policy:\n  preset: phoenix\n  scope: "server\n`,
    [[10, 'policy.scope', /[Mm]issing closing/]],
  ],
  ['a missing list', 'servers:\n  - id: a\n    address: tcp://h:1\n', [[1, 'listen', /is missing/]]],
  [
    'a missing key',
    'listen:\n  - tcp: h:1\nservers:\n  - address: tcp://h:1\n',
    [[4, 'servers[0].id', /is missing/]],
  ],
  [
    'a list with nothing in it',
    'listen: []\nservers:\n',
    [
      [1, 'listen', /needs at least 1 entry/],
      [2, 'servers', /expected a list, not nothing/],
    ],
  ],
  [
    'a word for a number',
    `${BASE}limits:\n  sessions: many\n`,
    [[8, 'limits.sessions', /expected a number, not "many"/]],
  ],
  [
    'a number that is too small',
    `${BASE}log:\n  keep: -1\n`,
    [[8, 'log.keep', /must be at least 0, not -1/]],
  ],
  ['a fraction', `${BASE}limits:\n  sessions: 1.5\n`, [[8, 'limits.sessions', /whole number/]]],
  [
    'a word for yes',
    `${BASE}log: { durable: yes }\n`,
    [[7, 'log.durable', /expected true or false, not "yes"/]],
  ],
  ['text for a map', `${BASE}policy: phoenix\n`, [[7, 'policy', /expected a map of keys, not "phoenix"/]]],
  [
    'text for a list',
    `${BASE}    version: { command: redis }\n`,
    [[7, 'servers[0].version.command', /expected a list, not "redis"/]],
  ],
  [
    'a list for a version',
    `${BASE}    version: [4.14.0]\n`,
    [[7, 'servers[0].version', /expected text or a map of keys, not a list/]],
  ],
  [
    'a preset that does not exist',
    `${BASE}policy: { preset: phoenx }\n`,
    [[7, 'policy.preset', /"phoenx" is none of phoenix, .*custom \(did you mean phoenix\?\)/]],
  ],
  [
    'a version of two parts',
    `${BASE}    version: 4.10\n`,
    [[7, 'servers[0].version', /"4.10" is not a version: it has 2 /]],
  ],
  ['a version with a v', `${BASE}    version: v4.14.0\n`, [[7, 'servers[0].version', /leave out the "v"/]]],
  [
    'an assumed version of two parts',
    BASE.replace('servers:', '    assume: 4.13\nservers:'),
    [[4, 'listen[0].assume', /"4.13" is not a version/]],
  ],
  [
    'a version by both command and http',
    `${BASE}    version: { command: [a], http: 'http://h/' }\n`,
    [[7, 'servers[0].version', /either command or http/]],
  ],
  [
    'a duration without a unit',
    `${BASE}timeouts:\n  hold: 30\n`,
    [[8, 'timeouts.hold', /"30" is not of the form 500ms, 15s/]],
  ],
  [
    'a duration in words',
    `${BASE}timeouts:\n  hold: 30 seconds\n`,
    [[8, 'timeouts.hold', /"30 seconds" is not of the form/]],
  ],
  [
    'a size without a number',
    `${BASE}log: { rotate: big }\n`,
    [[7, 'log.rotate', /"big" is not of the form 512kb, 64mb/]],
  ],
  [
    'two servers of one id',
    `${BASE}  - id: a\n    address: tcp://127.0.0.1:10\n`,
    [[7, 'servers[1].id', /a second server "a"/]],
  ],
  [
    'two listeners on one port',
    'listen: [{ tcp: h:1 }, { ws: h:2 },\n  { ws: h:1 }, { tcp: h:0 }, { tcp: h:0 }]\nservers: [{ id: a, address: tcp://h:1 }]\n',
    [[2, 'listen[2].ws', /a second listener on "h:1"/]],
  ],
  [
    'who may upgrade, for clients that say it themselves',
    BASE.replace('servers:', '    upgrade: must-not\nservers:'),
    [[4, 'listen[0].upgrade', /only programs that do not speak the handshake/]],
  ],
  [
    'web pages on a TCP port',
    BASE.replace('servers:', '    origins: [https://app.example]\nservers:'),
    [[4, 'listen[0].origins', /only use a WebSocket port/]],
  ],
  [
    'an origin that no browser sends',
    BASE.replace('tcp:', 'ws:').replace('servers:', '    origins: [https://app.example/]\nservers:'),
    [[4, 'listen[0].origins[0]', /is not an origin such as/]],
  ],
  [
    'a server greeted ahead of need that says no hello',
    `${BASE.trimEnd()}\n    version: 4.14.0\n    warm: 2\n`,
    [[8, 'servers[0].warm', /only servers that speak the handshake/]],
  ],
  [
    'a protocol range for clients that state their own',
    BASE.replace('servers:', '    protocol: { min: 1, max: 2 }\nservers:'),
    [[4, 'listen[0].protocol', /only programs on a port with `assume`/]],
  ],
  [
    'a rule that the preset does not have',
    `${BASE}policy:\n  preset: ranges\n  scope: server\n  window: 3\n`,
    [[10, 'policy.window', /the preset ranges has no such rule/]],
  ],
  [
    'two releases of one version',
    `${BASE}catalogue:\n  releases:\n    - { version: 6.0.0, level: 50 }\n    - { version: 6.0.0, level: 51 }\n`,
    [[10, 'catalogue.releases[1].version', /a second release "6.0.0"/]],
  ],
  ...['timeouts.handshake', 'timeouts.dial', 'timeouts.probe', 'migration.lease'].map(
    (field): [string, string, Array<[number, string, RegExp]>] => [
      `no time at all for ${field}`,
      `${BASE}${field.replace('.', ':\n  ')}: 0s\n`,
      [[8, field, /must be more than 0/]],
    ],
  ),
  ['no size at which to rotate', `${BASE}log: { rotate: 0kb }\n`, [[7, 'log.rotate', /must be more than 0/]]],
  ['no room for records', `${BASE}log: { buffer: 0b }\n`, [[7, 'log.buffer', /must be more than 0/]]],
  [
    'a listener of both kinds',
    BASE.replace('servers:', '    ws: 127.0.0.1:1\nservers:'),
    [[3, 'listen[0]', /either tcp or ws/]],
  ],
  [
    'a listener of neither kind',
    BASE.replace('tcp: 127.0.0.1:0', 'assume: 4.13.1'),
    [[3, 'listen[0]', /either tcp or ws/]],
  ],
  [
    'a listener without a port',
    BASE.replace('127.0.0.1:0', '127.0.0.1'),
    [[3, 'listen[0].tcp', /not HOST:PORT/]],
  ],
  [
    'an address without a scheme',
    BASE.replace('tcp://', ''),
    [[6, 'servers[0].address', /such as tcp:\/\//]],
  ],
  [
    'an address of another scheme',
    BASE.replace('tcp://', 'http://'),
    [[6, 'servers[0].address', /tcp:\/\/ or ws:\/\//]],
  ],
])('%s: line and field are named', (_what, text, expected) => {
  const problems = problemsOf(text);
  expect(problems.map(({ line, field }) => [line, field])).toEqual(
    expected.map(([line, field]) => [line, field]),
  );
  for (const [at, [, , message]] of expected.entries()) expect(problems[at]?.message).toMatch(message);
});

test('all that is wrong is said at once, each on a line that begins with file, line and field', () => {
  const error = errorOf(`${BASE}polisy: 1\nlog: { keep: -1 }\n`);
  expect(error.message.split('\n').sort()).toEqual([
    'gate.yaml:7: polisy: there is no such key (did you mean policy?)',
    'gate.yaml:8: log.keep: must be at least 0, not -1',
  ]);
});

test('of a file that is wrong in every line the first problems are said, and that there are more', () => {
  const keys = Array.from({ length: 5_000 }, (_, at) => `key${at}: 1`).join('\n');
  const { message, problems } = errorOf(`${BASE}${keys}\n`);
  expect(problems.map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, at) => at + 7));
  expect(message.split('\n').length).toBe(21);
  expect(message).toMatch(/gate\.yaml: there is more; it is shown once the first 20 are mended$/);
});

test('a file that blows itself up with aliases is refused', () => {
  const many = (name: string, of: string) => `${name}: &${name} [${Array(20).fill(of).join(', ')}]\n`;
  expect(errorOf(many('a', '1') + many('b', '*a') + many('c', '*b')).message).toMatch(/alias/i);
});

test.each([
  ['maps', `a: ${'{ '.repeat(60)}`],
  ['lists and maps', `a: ${'{ ['.repeat(60)}`],
  ['an alias', 'a: &a { b: c }\n? *a\n: d'],
])('keys that are %s are refused before they are spelt out, which would take all memory', (_what, text) => {
  const before = process.memoryUsage().heapUsed;
  expect(() => parseConfig(text)).toThrow('a key is a word, not a map, a list or an alias');
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
});

test('a file that is not there, and a folder, are said to be just that', async () => {
  const folder = tempFolder();
  const missing = path.join(folder, 'gate.yaml');
  await expect(loadConfig(missing)).rejects.toThrow(
    new ConfigError(missing, [{ line: null, field: '', message: 'there is no such file' }]),
  );
  mkdirSync(missing);
  await expect(loadConfig(missing)).rejects.toThrow(/this is a folder/);
  const real = path.join(folder, 'real.yaml');
  writeFileSync(real, EXAMPLE);
  await expect(loadConfig(real)).resolves.toMatchObject({ cluster: 'main' });
});

function errorOf(text: string): ConfigError {
  try {
    parseConfig(text, 'gate.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

function problemsOf(text: string): readonly Problem[] {
  return errorOf(text).problems;
}
