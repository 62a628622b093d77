/** The decision log on a stream such as standard output. */
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { createStreamLog } from '../../src/decision/log.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { expectNoneMissing, IDENTITY, lostIn, numbersOf, parseLines, range, record } from './support.ts';

test('records are lines of JSON, and close waits until they are out', async () => {
  const stream = new PassThrough();
  const log = createStreamLog({ stream, buffer: 100_000, clock: new VirtualClock(), identity: IDENTITY });
  for (const number of range(0, 10)) log.write(record(number));
  const closed = log.close().then(() => stream.end());
  const lines = parseLines(await text(stream));
  await closed;
  expect(numbersOf(lines)).toEqual(range(0, 10));
  expect(lines[0]).toEqual({ time: '2026-01-01T00:00:00.000Z', ...record(0) });
});

test('a reader that is slow costs no more memory than stated; what is missing is told, at the latest by close', async () => {
  const taken: string[] = [];
  const held: Array<() => void> = [];
  const slow = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      taken.push(chunk);
      held.push(done);
    },
  });
  const goOn = async () => {
    for (let done = held.shift(); done; done = held.shift()) {
      done();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const clock = new VirtualClock();
  const log = createStreamLog({ stream: slow, buffer: 1_000, clock, identity: IDENTITY });
  for (const number of range(0, 50)) log.write(record(number));
  expect(slow.writableLength).toBeLessThanOrEqual(1_000);
  await goOn();
  await clock.run(2_000);
  log.write(record(50));
  await goOn();
  const lines = parseLines(taken.join(''));
  expectNoneMissing(lines, 51);
  expect(lines.at(-2)).toMatchObject({
    event: 'log-lost',
    since: '2026-01-01T00:00:00.000Z',
    time: '2026-01-01T00:00:02.000Z',
  });

  for (const number of range(51, 50)) log.write(record(number));
  const closed = log.close();
  await goOn();
  await closed;
  const all = parseLines(taken.join(''));
  expectNoneMissing(all, 101);
  expect(lostIn(all)).toBeGreaterThan(lostIn(lines));
  expect(log.lostInAll).toBe(lostIn(all));
});

test('a reader that went away ends the log, not the writer; that is told once', async () => {
  const gone = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  const troubles: string[] = [];
  const log = createStreamLog({
    stream: gone,
    buffer: 1_000,
    clock: new VirtualClock(),
    identity: IDENTITY,
    onError: (error) => troubles.push(error.message),
  });
  log.write(record(0));
  await new Promise((resolve) => setImmediate(resolve));
  for (const number of range(1, 50)) log.write(record(number));
  await log.close();
  expect(troubles).toEqual(['write EPIPE']);
});
