/** The export of records to a receiver of OpenTelemetry logs: together, in order, bounded, and never silently lost. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTee, OtlpExport } from '../../../src/decision/otlp/export.ts';
import { type Answer, headersIn } from '../../../src/decision/otlp/post.ts';
import type { DecisionLog, LogRecord } from '../../../src/decision/record.ts';
import { VirtualClock } from '../../../src/runtime/virtual-clock.ts';
import { IDENTITY, range, record } from '../support.ts';

const TAKEN: Answer = { kind: 'taken', refused: 0, why: null };
const AWAY: Answer = { kind: 'away', why: 'connect ECONNREFUSED', retryAfterMs: null };

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, string>>;
}

/** An export to a receiver that answers as `answers` say, one after the other, and then takes everything. */
function setUp({ answers = [], buffer = 1_000_000 }: { answers?: Answer[]; buffer?: number } = {}) {
  const clock = new VirtualClock();
  const requests: { at: number; records: string[] }[] = [];
  const troubles: (string | null)[] = [];
  let hang: Promise<void> | null = null;
  const sent = new OtlpExport({
    post: async (body) => {
      const { logRecords } = JSON.parse(body).resourceLogs[0].scopeLogs[0];
      const records = logRecords.map(
        ({ eventName, attributes }: { eventName: string; attributes: Attribute[] }) => {
          const named = (key: string) => attributes.find((one) => one.key === key)?.value.intValue;
          return eventName === 'skewgate.log_lost'
            ? `lost ${named('skewgate.lost')}`
            : named('skewgate.token');
        },
      );
      const answer = answers.shift() ?? TAKEN;
      requests.push({ at: clock.monotonic(), records: answer.kind === 'away' ? [] : records });
      await hang;
      return answer;
    },
    buffer,
    clock,
    identity: IDENTITY,
    onTrouble: (why) => troubles.push(why),
  });
  const taken = () => requests.flatMap(({ records }) => records);
  return { sent, clock, requests, troubles, taken, hold: (until: Promise<void>) => (hang = until) };
}

const numbers = (from: number, count: number) => range(from, count).map(String);

test('records of a second go together, once, in their order', async () => {
  const { sent, clock, requests, taken } = setUp();
  for (const number of range(0, 5)) sent.write(record(number));
  await clock.run(500);
  expect(requests).toEqual([]);
  sent.write(record(5));
  await clock.run(600);
  expect(taken()).toEqual(numbers(0, 6));
  expect(requests).toHaveLength(1);
  await clock.run(60_000);
  expect(requests).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test('many do not wait for the second, and go in parts', async () => {
  const { sent, clock, requests, taken } = setUp();
  for (const number of range(0, 1_300)) sent.write(record(number));
  await turn();
  await clock.run(2_000);
  expect(taken()).toEqual(numbers(0, 1_300));
  expect(requests.map(({ records }) => records.length)).toEqual([512, 512, 276]);
});

test('a receiver that is away is tried again, ever less often, and gets everything; that is told once', async () => {
  const { sent, clock, requests, troubles, taken } = setUp({ answers: Array(8).fill(AWAY) });
  for (const number of range(0, 3)) sent.write(record(number));
  await clock.run(300_000);
  expect(taken()).toEqual(numbers(0, 3));
  expect(troubles).toEqual(['connect ECONNREFUSED', null]);
  const waits = requests.slice(1).map(({ at }, index) => Math.round(at - (requests[index]?.at ?? 0)));
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(sent.lostInAll).toBe(0);
});

test('a receiver that says when to come again is asked then', async () => {
  const { sent, clock, requests } = setUp({ answers: [{ ...AWAY, retryAfterMs: 7_000 }] });
  sent.write(record(0));
  await clock.run(60_000);
  expect(requests.map(({ at }) => at)).toEqual([1_000, 8_000]);
});

test('what finds no room is lost, counted, and told where it is missing as soon as there is room again', async () => {
  const { sent, clock, taken } = setUp({ answers: Array(3).fill(AWAY), buffer: 5_000 });
  for (const number of range(0, 100)) sent.write(record(number));
  const lost = sent.lostInAll;
  expect(lost).toBeGreaterThan(50);
  await clock.run(60_000);
  sent.write(record(100));
  await clock.run(2_000);
  expect(taken()).toEqual([...numbers(0, 100 - lost), `lost ${lost}`, '100']);
  expect(sent.lostInAll).toBe(lost);
});

test('records that the receiver refuses are lost and counted, and the next ones go on', async () => {
  const refused: Answer = { kind: 'refused', why: 'it answers with status 400' };
  const { sent, clock, troubles } = setUp({
    answers: [refused, { kind: 'taken', refused: 2, why: 'too long' }],
  });
  for (const number of range(0, 3)) sent.write(record(number));
  await clock.run(2_000);
  expect([sent.lostInAll, troubles]).toEqual([3, ['it answers with status 400']]);
  for (const number of range(3, 3)) sent.write(record(number));
  await clock.run(2_000);
  expect(sent.lostInAll).toBe(5);
  sent.write(record(6));
  await clock.run(2_000);
  expect([sent.lostInAll, troubles.at(-1)]).toEqual([5, null]);
});

test('a close sends what waits, once; what a receiver that is away does not take is counted as lost', async () => {
  const well = setUp();
  for (const number of range(0, 600)) well.sent.write(record(number));
  await well.sent.close();
  expect(well.taken()).toEqual(numbers(0, 600));
  well.sent.write(record(600));
  expect(well.sent.lostInAll).toBe(1);
  expect(well.clock.pending).toBe(0);
  const away = setUp({ answers: Array(9).fill(AWAY) });
  for (const number of range(0, 5)) away.sent.write(record(number));
  await away.sent.close();
  expect([away.requests.length, away.sent.lostInAll, away.clock.pending]).toEqual([1, 5, 0]);
});

test('a receiver that does not answer has one request at a time', async () => {
  const { sent, clock, requests, hold, taken } = setUp();
  const released = Promise.withResolvers<void>();
  hold(released.promise);
  for (const number of range(0, 1_200)) sent.write(record(number));
  await clock.run(60_000);
  expect(requests).toHaveLength(1);
  released.resolve();
  await turn();
  await clock.run(5_000);
  expect(taken()).toEqual(numbers(0, 1_200));
});

test('beside a log, each record goes to both; only the file can be opened again', async () => {
  const written: LogRecord[] = [];
  const log = (lostInAll: number, more: Partial<DecisionLog> = {}): DecisionLog => ({
    lostInAll,
    write: (one) => written.push(one),
    close: async () => {},
    ...more,
  });
  const reopened = { commit() {}, abandon() {} };
  const tee = createTee(log(2, { reopen: () => reopened }), log(3));
  tee.write(record(1));
  await tee.close();
  expect([written.length, tee.lostInAll, tee.reopen?.()]).toEqual([2, 5, reopened]);
  expect(createTee(log(0), log(0)).reopen).toBeUndefined();
});

test("headers are read as OpenTelemetry's variables state them", () => {
  expect(headersIn('api-key=secret%20one, x-tenant = 7,=nothing,odd,plain=50%')).toEqual({
    'api-key': 'secret one',
    'x-tenant': '7',
    plain: '50%',
  });
});
