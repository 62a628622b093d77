/** `skewgate pairs`: which releases a test fleet should let meet, and which have met. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type Pair, pairsOf } from '../../src/fleet/pairs.ts';
import { linesBetween } from '../../src/policy/lines.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { startFleet } from '../../src/testing/index.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import { parseMinor } from '../../src/version/version.ts';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';

const between = (first: string, last: string) =>
  linesBetween(PHOENIX_CATALOGUE, parseMinor(first), parseMinor(last));
const show = (pairs: readonly Pair[]) => pairs.map(({ client, server }) => `${client}-${server}`);
const json = async (...args: string[]) => JSON.parse((await runCli(['pairs', ...args, '--json'])).stdout);

test('[M2] adjacent ones first, the newest of them first; those of one release last', () => {
  expect(show(pairsOf(between('4.13', '4.16'), PRESETS.phoenix))).toEqual([
    ...['4.15-4.16', '4.14-4.15', '4.13-4.14'],
    ...['4.14-4.16', '4.13-4.15'],
    ...['4.16-4.16', '4.15-4.15', '4.14-4.14', '4.13-4.13'],
  ]);
});

test('[M1] [J1] no client newer than its server, and across majors only what the catalogue accepts', () => {
  const pairs = pairsOf(between('4.15', '5.1'), PRESETS.phoenix);
  expect(show(pairs)).toEqual([
    ...['5.0-5.1', '4.15-4.16', '4.16-5.1'],
    ...['5.1-5.1', '5.0-5.0', '4.16-4.16', '4.15-4.15'],
  ]);
});

test('one release alone meets nobody but itself', () => {
  expect(pairsOf(between('4.14', '4.14'), PRESETS.phoenix)).toEqual([
    { client: '4.14', server: '4.14', apart: 0 },
  ]);
});

test('the command lists them, and says what it left out', async () => {
  const { status, stdout } = await runCli(['pairs', '--releases', '4.14..4.16', '--window', '1']);
  expect(status).toBe(0);
  expect(stdout).toBe(
    [
      'client  server  distance',
      '4.15    4.16    adjacent',
      '4.14    4.15    adjacent',
      '',
      '2 pairs',
      'left out: 3 pairs of one release, which any test without an upgrade covers (--same adds them)',
      '',
    ].join('\n'),
  );
});

test('a wider window has more of them, another policy others', () => {
  const lines = between('4.9', '4.16');
  const count = (window: number | null) => pairsOf(lines, { ...PRESETS.phoenix, window }).length;
  expect([count(0), count(2), count(3), count(null)]).toEqual([8, 21, 26, 36]);
  expect(pairsOf(between('1.30', '1.33'), PRESETS.kubernetes)).toHaveLength(10);
});

test('with logs: which pairs had sessions, and which are missing', async () => {
  await using fleet = await startFleet({ servers: ['4.14.2'] });
  for (const version of ['4.13.0', '4.13.5', '4.14.0', '4.15.0']) await fleet.attempt(version);
  await fleet.roll('4.15.0');
  await fleet.attempt('4.13.0');
  const folder = tempFolder();
  const [first, second] = [path.join(folder, '1.ndjson'), path.join(folder, '2.ndjson')];
  const { log } = fleet;
  writeFileSync(first, log.slice(0, 3).join(''));
  writeFileSync(second, `not a record\n${log.slice(3).join('')}`.trimEnd());
  const args = ['--releases', '4.13..4.16', '--log', first, '--log', second];
  const { stdout } = await runCli(['pairs', ...args]);
  expect(stdout.split('\n').slice(0, 8)).toEqual([
    'client  server  distance  exercised',
    '4.15    4.16    adjacent  missing',
    '4.14    4.15    adjacent  missing',
    '4.13    4.14    adjacent  2 sessions',
    '4.14    4.16    2 apart   missing',
    '4.13    4.15    2 apart   1 session',
    '',
    '2 of 5 exercised',
  ]);
  const rows = await json(...args, '--same');
  expect(rows).toContainEqual({ client: '4.14', server: '4.14', apart: 0, met: 1 });
  expect(rows).toContainEqual({ client: '4.16', server: '4.16', apart: 0, met: 0 });
});

test('a log that is not there, or a policy that knows no releases, is wrong usage', async () => {
  const [log, preset] = await Promise.all([
    runCli(['pairs', '--releases', '4.9..4.16', '--log', '/nowhere.ndjson']),
    runCli(['pairs', '--releases', '4.9..4.16', '--preset', 'ranges']),
  ]);
  expect([log.status, log.stdout, preset.status, preset.stdout]).toEqual([2, '', 2, '']);
  expect(log.stderr).toContain('--log /nowhere.ndjson: ');
  expect(preset.stderr).toContain('the preset ranges goes by protocol versions');
});
