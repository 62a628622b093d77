/** `skewgate log FILE`: what a person reads out of a decision log. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { LineSplitter } from '../../src/cli/log/line-splitter.ts';
import { createFileLog } from '../../src/decision/log.ts';
import type { HandshakeRecord, LogRecord } from '../../src/decision/record.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { runCli } from '../support/cli.ts';
import { judged } from '../support/facts.ts';
import { tempFolder } from '../support/folder.ts';
import { startCli } from '../support/program.ts';

const IDENTITY = { gate: 'gate1', cluster: 'main' };
const NOON = Date.UTC(2026, 0, 31, 12);

function handshake(client: string, servers: readonly string[] = ['4.14.0']): HandshakeRecord {
  const decision = judged(client, servers);
  const admitted = decision.verdict === 'permit';
  return {
    event: 'handshake',
    ...IDENTITY,
    connection: 'c1',
    listener: 'tcp://127.0.0.1:8700',
    peer: '127.0.0.1:50000',
    driver: 'test\u2028driver',
    protocol: 'skewgate',
    claim: null,
    tls: { requested: false, version: null },
    session: admitted ? 'abc' : null,
    server: admitted ? 'rs1' : null,
    serverVersion: admitted ? '4.14.0' : null,
    waitedFor: null,
    phases: { helloMs: 1, heldMs: 0, dialMs: admitted ? 1 : null, totalMs: 2 },
    policyHash: '0123456789ab',
    properties: {},
    identity: null,
    credential: null,
    ...decision,
  };
}

const END: LogRecord = {
  event: 'session-end',
  ...IDENTITY,
  session: 'abc',
  client: '4.13.2',
  peer: '127.0.0.1:50000',
  properties: {},
  identity: null,

  server: 'rs1',
  reason: 'both-ended',
  code: null,
  message: null,
  error: null,
  bytesFromClient: 5,
  bytesFromServer: 7,
  durationMs: 12,
};

/** One record a minute, the first at noon. */
async function logOf(...records: readonly LogRecord[]): Promise<string> {
  const file = path.join(tempFolder(), 'decisions.ndjson');
  const clock = new VirtualClock(NOON);
  const log = createFileLog({
    path: file,
    rotate: 1e9,
    keep: 1,
    durable: true,
    buffer: 1e6,
    clock,
    identity: IDENTITY,
    onError() {},
  });
  for (const record of records) {
    log.write(record);
    await clock.run(60_000);
  }
  await log.close();
  return file;
}

const mixed = () =>
  logOf(
    handshake('4.13.2'),
    handshake('4.15.0'),
    handshake('4.15.1'),
    handshake('4.15.0'),
    handshake('4.11.0'),
    END,
  );

const clientsIn = (stdout: string) =>
  [...stdout.matchAll(/^\S+ {2}(?:permit|refuse) +(\S+)/gm)].map(([, client]) => client);

test('one line a record, with time, verdict, client, code, rule and for a refusal why', async () => {
  const { status, stdout, stderr } = await runCli(['log', await mixed()]);
  expect([status, stderr]).toEqual([0, '']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(7);
  expect(lines.shift()).toBe('2026-01-31');
  expect(lines[0]).toMatch(/^12:00:00\.000 {2}permit +4\.13\.2 +PERMITTED \S+ -> rs1 \(4\.14\.0\)$/);
  expect(lines[1]).toMatch(/^12:01:00\.000 {2}refuse +4\.15\.0 +SERVER_OUTDATED M1: .*4\.15/);
  expect(lines[5]).toMatch(/ended +4\.13\.2 +session abc on rs1, 5 bytes up, 7 down \(both-ended\)$/);
});

test.each<[string[], string[]]>([
  [['--refused'], ['4.15.0', '4.15.1', '4.15.0', '4.11.0']],
  [
    ['--client', '<4.14'],
    ['4.13.2', '4.11.0'],
  ],
  [
    ['--client', '4.15.x', '--refused'],
    ['4.15.0', '4.15.1', '4.15.0'],
  ],
  [['--code', 'client_outdated'], ['4.11.0']],
  [
    ['--since', '2026-01-31T12:03:00Z'],
    ['4.15.0', '4.11.0'],
  ],
  [['--since', '15m'], []],
  [['--code', 'LOCKSTEP'], []],
])('%j keeps the records it says', async (options, clients) => {
  const { status, stdout } = await runCli(['log', await mixed(), ...options]);
  expect(status).toBe(0);
  expect(clientsIn(stdout)).toEqual(clients);
});

test('--json prints the records as they are in the file', async () => {
  const { stdout } = await runCli(['log', await mixed(), '--json', '--client', '4.11.0']);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toEqual([{ time: '2026-01-31T12:04:00.000Z', ...handshake('4.11.0') }]);
});

test('--summary says who was refused, why, and who must move, the most frequent first', async () => {
  const file = await mixed();
  const [text, json] = await Promise.all([
    runCli(['log', file, '--summary', '--refused']),
    runCli(['log', file, '--summary', '--json']),
  ]);
  const lines = text.stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(lines[0]).toEqual(['0 admitted, 4 refused']);
  expect(lines.slice(2)).toEqual([
    ['count', 'verdict', 'code', 'client', 'who must move'],
    ['2', 'refuse', 'SERVER_OUTDATED', '4.15.0', 'server to 4.15'],
    ['1', 'refuse', 'SERVER_OUTDATED', '4.15.1', 'server to 4.15'],
    ['1', 'refuse', 'CLIENT_OUTDATED', '4.11.0', 'client to 4.12'],
  ]);
  const rows = JSON.parse(json.stdout);
  expect(rows).toHaveLength(4);
  expect(rows[0]).toEqual({
    verdict: 'refuse',
    code: 'SERVER_OUTDATED',
    client: '4.15.0',
    move: { side: 'server', to: '4.15' },
    count: 2,
    first: '2026-01-31T12:01:00.000Z',
    last: '2026-01-31T12:03:00.000Z',
    message: judged('4.15.0', ['4.14.0']).message,
  });
});

test('records that a full disk cost are not passed over in silence', async () => {
  const file = await logOf(handshake('4.13.2'), {
    ...IDENTITY,
    event: 'log-lost',
    lost: 12,
    since: '2026-01-31T12:00:30.000Z',
  });
  const [text, summary] = await Promise.all([runCli(['log', file]), runCli(['log', file, '--summary'])]);
  expect(text.stdout).toMatch(/lost +12 records since 12:00:30\.000/);
  expect(summary.stdout).toMatch(/^1 admitted, 0 refused; 12 records of this log were lost$/m);
});

test('a last line that a crash tore is passed over; a whole one without its line break counts', async () => {
  const torn = await logOf(handshake('4.13.2'), handshake('4.15.0'));
  appendFileSync(torn, '{"time":"2026-01-31T12:05:00.000Z","ev');
  expect(await runCli(['log', torn])).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(/^(.*\n){3}$/),
  });
  const whole = path.join(tempFolder(), 'whole.ndjson');
  writeFileSync(whole, JSON.stringify({ time: '2026-01-31T12:05:00.000Z', ...handshake('4.15.0') }));
  expect(clientsIn((await runCli(['log', whole])).stdout)).toEqual(['4.15.0']);
});

test('lines that are no records are counted; a file of nothing else ends with status 1', async () => {
  const file = await logOf(handshake('4.13.2'));
  appendFileSync(file, 'what is this?\n{"json":true}\n');
  const some = await runCli(['log', file]);
  expect(some).toMatchObject({
    status: 0,
    stderr: `skewgate: 2 lines of ${file} are no records and were passed over\n`,
  });
  expect(clientsIn(some.stdout)).toEqual(['4.13.2']);
  const other = path.join(tempFolder(), 'other.txt');
  writeFileSync(other, 'one\ntwo\n');
  expect(await runCli(['log', other])).toMatchObject({ status: 1, stdout: '' });
});

test('an empty log is no error', async () => {
  expect(await runCli(['log', await logOf()])).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('--follow shows what comes, in order and once, across rotations; Ctrl-C ends it with status 0', async () => {
  const file = path.join(tempFolder(), 'decisions.ndjson');
  const clock = new VirtualClock(NOON);
  const log = createFileLog({
    path: file,
    rotate: 6_000,
    keep: 1_000,
    durable: true,
    buffer: 1e6,
    clock,
    identity: IDENTITY,
    onError() {},
  });
  let patch = 0;
  const write = (count: number) => {
    for (let n = 0; n < count; n++) log.write(handshake(`4.13.${patch++}`));
  };
  write(3);
  const follower = startCli(['log', file, '--follow', '--json']);
  await follower.waitFor(/"client":"4\.13\.2"/, 'stdout');
  // Some rotations within one look at the file, a pause, and some more.
  write(20);
  await follower.waitFor(/"client":"4\.13\.22"/, 'stdout');
  write(1);
  await follower.waitFor(/"client":"4\.13\.23"/, 'stdout');
  write(30);
  await follower.waitFor(/"client":"4\.13\.53"/, 'stdout');
  follower.signal('SIGINT');
  expect(await follower.exited).toBe(0);
  expect(follower.lines.map((line) => JSON.parse(line).client)).toEqual(
    Array.from({ length: 54 }, (_, at) => `4.13.${at}`),
  );
  await log.close();
});

test('--follow waits for the rest of a line that is still being written', async () => {
  const file = await logOf(handshake('4.13.2'));
  const follower = startCli(['log', file, '--follow']);
  await follower.waitFor(/4\.13\.2/, 'stdout');
  const line = `${JSON.stringify({ time: '2026-01-31T12:05:00.000Z', ...handshake('4.15.0') })}\n`;
  appendFileSync(file, line.slice(0, 100));
  appendFileSync(file, line.slice(100));
  await follower.waitFor(/refuse +4\.15\.0/, 'stdout');
  follower.signal('SIGINT');
  expect(await follower.exited).toBe(0);
  expect(follower.stderr).toBe('');
});

test('a reader that has seen enough (`| head`) is no error', async () => {
  const file = await logOf(...Array.from({ length: 200 }, () => handshake('4.13.2')));
  const reader = startCli(['log', file, '--follow', '--json']);
  await reader.waitFor(/PERMITTED/, 'stdout');
  reader.child.stdout?.destroy();
  appendFileSync(file, `${JSON.stringify({ time: '2026-01-31T12:05:00.000Z', ...handshake('4.15.0') })}\n`);
  expect(await reader.exited).toBe(0);
  expect(reader.stderr).toBe('');
});

const missing = path.join(import.meta.dirname, 'no-such-log.ndjson');
test.each<[string[], RegExp]>([
  [[missing], /there is no such file/],
  [['FILE', '--client', 'old'], /--client old: not a range such as '<4\.14'/],
  [['FILE', '--code', 'NOPE'], /--code NOPE: one of PERMITTED, /],
  [['FILE', '--since', 'yesterday'], /--since yesterday: a duration such as 15m/],
  [['FILE', '--follow', '--summary'], /cannot be used with/],
  [['FILE', '--until', 'tomorrow'], /--until tomorrow: a duration such as 15m/],
  [['FILE', '--every', 'now'], /--every now: a duration such as 1m/],
  [[], /missing required argument 'files'/],
])('wrong usage %j: status 2', async (args, message) => {
  const file = await logOf(handshake('4.13.2'));
  const { status, stdout, stderr } = await runCli([
    'log',
    ...args.map((arg) => (arg === 'FILE' ? file : arg)),
  ]);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});

test('a folder is said to be one', async () => {
  const folder = path.join(tempFolder(), 'log');
  mkdirSync(folder);
  expect(await runCli(['log', folder])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('this is a folder'),
  });
});

const stamped = (time: string, fields: object) => `${JSON.stringify({ time, ...fields })}\n`;

function fileOf(text: string | Buffer, name = 'some.ndjson'): string {
  const file = path.join(tempFolder(), name);
  writeFileSync(file, text);
  return file;
}

test('rotated files are read before the file itself, also in a summary, and none is read twice', async () => {
  const file = fileOf(stamped('2026-01-31T12:03:00.000Z', handshake('4.13.3')), 'log');
  writeFileSync(`${file}.1`, stamped('2026-01-31T12:02:00.000Z', handshake('4.13.2')));
  writeFileSync(`${file}.2`, stamped('2026-01-31T12:01:00.000Z', handshake('4.13.1')));
  const { stdout } = await runCli(['log', file, `${file}.1`, file]);
  expect(clientsIn(stdout)).toEqual(['4.13.1', '4.13.2', '4.13.3']);
  const { stdout: summary } = await runCli(['log', file, '--summary']);
  expect(summary).toMatch(/^3 admitted, 0 refused$/m);
});

test('the logs of several gates are one, in the order of time; - is standard input', async () => {
  const times = ['2026-01-31T12:00:00.000Z', '2026-01-31T12:02:00.000Z', '2026-02-01T00:01:00.000Z'];
  const one = fileOf(times.map((time) => stamped(time, handshake('4.13.1'))).join(''));
  const input = stamped('2026-01-31T12:01:00.000Z', handshake('4.13.2'));
  const { stdout } = await runCli(['log', one, '-'], { input });
  expect(clientsIn(stdout)).toEqual(['4.13.1', '4.13.2', '4.13.1', '4.13.1']);
  // A day is said when it begins.
  expect(stdout.match(/^\d{4}-.*$/gm)).toEqual(['2026-01-31', '2026-02-01']);
});

test.each<[string[], number]>([
  [['--until', '2026-01-31T12:01:00Z'], 2],
  [['--server', 'rs1'], 2],
  [['--peer', '127.0.0.1'], 6],
  [['--peer', '127.0.0.1:50000'], 6],
  [['--peer', '127.0.0.2'], 0],
  [['--session', 'abc'], 2],
])('%j keeps %i records', async (options, count) => {
  const { stdout } = await runCli(['log', await mixed(), '--json', ...options]);
  expect(stdout.split('\n').filter(Boolean)).toHaveLength(count);
});

test('--every says how many were admitted and refused in each span, and why', async () => {
  const file = await mixed();
  const { stdout } = await runCli(['log', file, '--every', '2m', '--json']);
  expect(JSON.parse(stdout)).toEqual([
    { from: '2026-01-31T12:00:00.000Z', admitted: 1, refused: 1, codes: { SERVER_OUTDATED: 1 } },
    { from: '2026-01-31T12:02:00.000Z', admitted: 0, refused: 2, codes: { SERVER_OUTDATED: 2 } },
    { from: '2026-01-31T12:04:00.000Z', admitted: 0, refused: 1, codes: { CLIENT_OUTDATED: 1 } },
  ]);
  const text = await runCli(['log', file, '--every', '2m']);
  expect(text.stdout).toMatch(/^2026-01-31 12:02:00 +0 +2 +SERVER_OUTDATED 2$/m);
});

test('--local shows times in the zone of the machine', async () => {
  const { stdout } = await runCli(['log', await mixed(), '--local'], { env: { TZ: 'Asia/Kolkata' } });
  expect(stdout).toMatch(/^17:30:00\.000 {2}permit/m);
});

test('--html writes one page without scripts, with a picture and a table of who was refused', async () => {
  const file = fileOf(
    stamped('2026-01-31T12:00:00.000Z', handshake('4.15.0')) +
      stamped('2026-01-31T12:01:00.000Z', { ...handshake('4.15.0'), client: '<script>alert(1)</script>' }),
  );
  const out = path.join(tempFolder(), 'page.html');
  expect(await runCli(['log', file, '--html', out])).toMatchObject({ status: 0, stderr: '' });
  const html = readFileSync(out, 'utf8');
  expect(html).toContain('2 refused, 0 admitted');
  expect(html).toMatch(/<rect class="v1"[^>]*><title>2026-01-31 12:00:00: 1 × SERVER_OUTDATED<\/title>/);
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(html).not.toMatch(/<script|src=|https?:/);
});

test('what a peer wrote never acts on the terminal', async () => {
  const evil = 'a\u001b[2J\u0085\u2028\u202e\nforged';
  const { stdout } = await runCli([
    'log',
    fileOf(
      stamped('2026-01-31T12:00:00.000Z', { ...handshake('4.15.0'), client: evil, message: evil }) +
        stamped('2026-01-31T12:00:00.000Z', { ...END, reason: evil, server: evil }),
    ),
  ]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
  expect(stdout.trimEnd().split('\n')).toHaveLength(3);
  expect(stdout).toContain('\\u001b[2J\\u0085\\u2028\\u202e\\u000aforged');
});

test('a record of another shape is passed over or shown as far as it goes, never a TypeError', async () => {
  const time = '2026-01-31T12:00:00.000Z';
  const odd = [
    { event: 'handshake' },
    { event: 'handshake', verdict: 'permit', code: 'PERMITTED', phases: null, move: 7, client: {} },
    { event: 'session-end' },
    { event: 'server', server: [], lastError: 3 },
    { event: 'migration', what: null },
    { event: 'log-lost', since: 5 },
    { event: 'of-a-later-gate' },
  ];
  const file = fileOf(
    `${odd.map((fields) => stamped(time, fields)).join('')}null\n7\n[]\n{"time":"x","event":"gate"}\n`,
  );
  for (const options of [
    [],
    ['--summary'],
    ['--every', '1m'],
    ['--json'],
    ['--client', '4.x'],
    ['--peer', 'x'],
  ]) {
    const { status, stderr } = await runCli(['log', file, ...options]);
    expect([status, stderr]).toEqual([
      0,
      `skewgate: 5 lines of ${file} are no records and were passed over\n`,
    ]);
  }
});

test('a byte order mark costs no record', async () => {
  const file = fileOf(`\uFEFF${stamped('2026-01-31T12:00:00.000Z', handshake('4.13.2'))}`);
  const { stdout, stderr } = await runCli(['log', file]);
  expect([clientsIn(stdout), stderr]).toEqual([['4.13.2'], '']);
});

test('a line as long as a file costs no more than its length', async () => {
  const splitter = new LineSplitter();
  const chunk = Buffer.alloc(65_536, 'x');
  for (let at = 0; at < 16_384; at++) expect(splitter.push(chunk)).toEqual([]);
  expect(splitter.rest).toHaveLength(16 * 1_048_576);
  expect(splitter.push(Buffer.from('\nnext\n'))).toEqual([expect.any(String), 'next']);
});
