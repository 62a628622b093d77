/** The log file on a disk that works: what is in it, when, and under which name. */
import { spawnSync } from 'node:child_process';
import fs, {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { tempFolder } from '../support/folder.ts';
import { IDENTITY, linesOf, numbersOf, range, record, setUp } from './support.ts';

const newFile = () => path.join(tempFolder(), 'decisions.ndjson');

test('each record is one line of JSON: the time of the clock in UTC first, then the fields, and the event', async () => {
  const file = newFile();
  const { log, clock } = setUp(file);
  log.write(record(1));
  await clock.run(1_500);
  log.write({
    event: 'log-lost',
    ...IDENTITY,
    lost: 2,
    since: 'a line break \n, a quote ", \u0085, \u009b, \u2029 and \u2028 stay inside',
  });
  await log.close();
  const text = readFileSync(file, 'utf8');
  expect(text.startsWith('{"time":"2026-01-01T00:00:00.000Z","event":"migration","gate":"gate1",')).toBe(
    true,
  );
  // Some readers take these for the end of a line.
  expect(text).not.toMatch(/[\u007f-\u009f\u2028\u2029]/);
  expect(linesOf(file)).toEqual([
    { time: '2026-01-01T00:00:00.000Z', ...record(1) },
    {
      time: '2026-01-01T00:00:01.500Z',
      ...IDENTITY,
      event: 'log-lost',
      lost: 2,
      since: 'a line break \n, a quote ", \u0085, \u009b, \u2029 and \u2028 stay inside',
    },
  ]);
});

test('a restart goes on with the file that is there', async () => {
  const file = newFile();
  for (const number of [1, 2]) {
    const { log } = setUp(file);
    log.write(record(number));
    await log.close();
  }
  expect(numbersOf(linesOf(file))).toEqual([1, 2]);
});

test('a line that a crash tore does not spoil the first record of the next start', async () => {
  const file = newFile();
  writeFileSync(file, '{"time":"2026-01-01T00:00:00.000Z","gate":"ma');
  const { log } = setUp(file);
  log.write(record(1));
  await log.close();
  const [torn, whole, rest] = readFileSync(file, 'utf8').split('\n') as [string, string, string];
  expect(torn).toBe('{"time":"2026-01-01T00:00:00.000Z","gate":"ma');
  expect(JSON.parse(whole)).toMatchObject({ token: 1 });
  expect(rest).toBe('');
});

test('a file that cannot be opened is an error at the start, not a gate without a log', () => {
  const folder = tempFolder();
  expect(() => setUp(path.join(folder, 'no-such-folder', 'log.ndjson'))).toThrow(/ENOENT/);
  expect(() => setUp(folder)).toThrow(/EISDIR/);
});

test('buffered: an orderly close writes every record', async () => {
  const file = newFile();
  const { log, troubles } = setUp(file);
  for (const number of range(0, 2_000)) log.write(record(number));
  await log.close();
  expect(numbersOf(linesOf(file))).toEqual(range(0, 2_000));
  expect(troubles).toEqual([]);
});

test('buffered: records of one turn of the event loop cost one write together, not one each', async () => {
  const { log } = setUp(newFile());
  const write = vi.spyOn(fs, 'write');
  onTestFinished(() => write.mockRestore());
  for (const number of range(0, 100)) log.write(record(number));
  await log.close();
  expect(write).toHaveBeenCalledTimes(1);
});

test('buffered: while records come all the time, they share writes, and none waits for long', async () => {
  const file = newFile();
  const { log, clock } = setUp(file);
  const write = vi.spyOn(fs, 'write');
  onTestFinished(() => write.mockRestore());
  for (const number of range(0, 20)) {
    log.write(record(number));
    await clock.run(1);
  }
  await clock.run(5);
  await vi.waitFor(() => expect(numbersOf(linesOf(file))).toEqual(range(0, 20)));
  expect(write.mock.calls.length).toBeLessThan(8);
  await log.close();
  expect(clock.pending).toBe(0);
});

test('durable: the record is in the file when write returns, and a crash right after it loses nothing', () => {
  const file = newFile();
  const { log } = setUp(file, { durable: true });
  for (const number of [1, 2, 3]) {
    log.write(record(number));
    expect(numbersOf(linesOf(file)).at(-1)).toBe(number);
  }
  const crashed = newFile();
  const support = fileURLToPath(new URL('support.ts', import.meta.url));
  const script = `import { record, setUp } from ${JSON.stringify(support)};
    const { log } = setUp(${JSON.stringify(crashed)}, { durable: true, rotate: 1_000 });
    for (let number = 0; number < 20; number++) log.write(record(number));
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  expect(signal).toBe('SIGKILL');
  expect(numbersOf(linesOf(crashed))).toEqual(range(0, 20));
});

for (const durable of [false, true]) {
  test(`rotation${durable ? ', durable' : ''}: FILE.1 is the youngest of the old, no line is torn, lost or doubled`, async () => {
    const file = newFile();
    const { log, troubles } = setUp(file, { rotate: 1_000, keep: 1_000, durable });
    for (const number of range(0, 100)) log.write(record(number));
    await log.close();
    expect(numbersOf(linesOf(file))).toEqual(range(0, 100));
    const rotated = readdirSync(path.dirname(file)).filter((name) => /\.\d+$/.test(name));
    expect(rotated.length).toBeGreaterThan(10);
    for (const name of rotated) {
      const { size } = statSync(path.join(path.dirname(file), name));
      expect(size).toBeGreaterThanOrEqual(1_000);
      expect(size).toBeLessThan(1_200);
    }
    expect(readdirSync(path.dirname(file))).toHaveLength(rotated.length + 1);
    expect(troubles).toEqual([]);
  });
}

test('rotation: the oldest files go, `keep` of them stay', async () => {
  const file = newFile();
  const { log } = setUp(file, { rotate: 1_000, keep: 2 });
  for (const number of range(0, 100)) log.write(record(number));
  await log.close();
  expect(readdirSync(path.dirname(file)).sort()).toEqual([
    'decisions.ndjson',
    'decisions.ndjson.1',
    'decisions.ndjson.2',
  ]);
  const numbers = numbersOf(linesOf(file));
  expect(numbers).toEqual(range(100 - numbers.length, numbers.length));
});

test('rotation: with keep 0 the file begins anew', async () => {
  const file = newFile();
  const { log } = setUp(file, { rotate: 1_000, keep: 0 });
  for (const number of range(0, 25)) log.write(record(number));
  await log.close();
  expect(readdirSync(path.dirname(file))).toEqual(['decisions.ndjson']);
  expect(statSync(file).size).toBeLessThan(1_200);
});

test('a file that cannot be rotated grows on and loses nothing; that is said once for each attempt', async () => {
  const file = newFile();
  // Nothing can be renamed over a folder that is not empty.
  mkdirSync(`${file}.1/in the way`, { recursive: true });
  const { log, troubles } = setUp(file, { rotate: 1_000, keep: 1 });
  for (const number of range(0, 20)) log.write(record(number));
  await log.close();
  expect(numbersOf(linesOf2(file))).toEqual(range(0, 20));
  expect(troubles.length).toBeGreaterThan(0);
  expect(troubles.length).toBeLessThanOrEqual(3);
  for (const lastError of troubles) expect(lastError).toMatch(/can't be rotated and grows on/);
  expect(readdirSync(path.dirname(file)).sort()).toEqual(['decisions.ndjson', 'decisions.ndjson.1']);
});

const linesOf2 = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('a file that someone emptied or appended to goes on at its end', async () => {
  const file = newFile();
  const { log } = setUp(file, { rotate: 500, durable: true });
  for (const number of range(0, 5)) log.write(record(number));
  truncateSync(file, 0);
  appendFileSync(file, `${JSON.stringify({ time: 't', ...record(77) })}\n`);
  log.write(record(78));
  await log.close();
  expect(numbersOf(linesOf(file)).slice(-2)).toEqual([77, 78]);
});

test('a device as log file is never moved, however much goes into it', async () => {
  const { log, troubles } = setUp('/dev/null', { rotate: 1_000, keep: 3 });
  for (const number of range(0, 100)) log.write(record(number));
  await log.close();
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  expect(existsSync('/dev/null.1')).toBe(false);
  expect(troubles).toEqual([]);
});

test('a record that comes after the close is not lost silently, and touches no other file', async () => {
  const file = newFile();
  const { log, troubles } = setUp(file);
  log.write(record(1));
  await log.close();
  log.write(record(2));
  expect(numbersOf(linesOf(file))).toEqual([1]);
  expect(log.lost).toBe(1);
  expect(troubles).toEqual(['a record came after the log was closed and is lost']);
});

test('a log that is opened again looks at the end of its file only when it goes on with it: no line is empty', async () => {
  const file = newFile();
  const { log } = setUp(file);
  // As a write that is under way leaves it for a moment.
  appendFileSync(file, '{"half":');
  const opened = log.reopen?.({ keep: 7 });
  appendFileSync(file, '1}\n');
  opened?.commit();
  log.write(record(1));
  await log.close();
  expect(readFileSync(file, 'utf8').split('\n').slice(0, -1)).toEqual([
    '{"half":1}',
    expect.stringContaining('"token":1'),
  ]);
});

test('a log that is opened again goes on in the other file, whole lines each, and leaves the first as it is', async () => {
  const [file, other] = [newFile(), newFile()];
  const { log } = setUp(file, { durable: true });
  log.write(record(1));
  log.reopen?.({ path: other }).abandon();
  log.write(record(2));
  log.reopen?.({ path: other }).commit();
  log.write(record(3));
  await log.close();
  expect([numbersOf(linesOf(file)), numbersOf(linesOf(other))]).toEqual([[1, 2], [3]]);
  expect(() => setUp(file).log.reopen?.({ path: path.join(file, 'x') })).toThrow(/ENOTDIR/);
});
