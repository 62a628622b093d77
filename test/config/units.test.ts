/** Durations and sizes as people write them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { duration, parseDuration, size } from '../../src/config/units.ts';

test.each([
  ['500ms', 500],
  ['15s', 15_000],
  ['1.5s', 1_500],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['0s', 0],
])('%s is %d ms', (text, ms) => {
  expect(duration.parse(text)).toBe(ms);
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ['100b', 100],
  ['512kb', 524_288],
  ['64mb', 67_108_864],
  ['1.5gb', 1_610_612_736],
])('%s is %d bytes', (text, bytes) => {
  expect(size.parse(text)).toBe(bytes);
});

test.each(['', '15', 's', '-1s', '1 s', '15S', '15sec', '1e3s', '1s2s', '15w', '64mb', '1.2345s', '.5s'])(
  'the duration %j is refused, with examples of what is right',
  (text) => {
    expect(parseDuration(text)).toBeNull();
    expect(duration.safeParse(text).error?.issues[0]?.message).toBe(
      `${JSON.stringify(text)} is not of the form 500ms, 15s, 10m, 2h or 1d`,
    );
  },
);

test.each(['', '64', '64MB', '64 mb', '-1kb', '1tb', '15s'])('the size %j is refused', (text) => {
  expect(size.safeParse(text).success).toBe(false);
});

test('whatever else is written there, the answer is a whole number of ms or a refusal', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{0,14}(\.\d{0,4})?[a-z]{0,3}$/)), (text) => {
      const ms = parseDuration(text);
      expect(ms === null || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
    }),
  );
});
