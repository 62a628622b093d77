/** How the page says times, numbers and other people's text; asked of its module in a browser. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { escapeActive } from '../../../src/events/escape.ts';
import { type Browser, launchBrowser, missing, type Page } from '../../support/browser.ts';
import { startFakeGate } from './fake-gate.ts';
import { fleet } from './fleet.ts';
import { openPage } from './open.ts';

if (missing !== null) console.warn(`test/admin/page/text.test.ts is skipped: ${missing}`);

describe.skipIf(missing !== null)('in chromium', () => {
  let browser: Browser;
  let page: Page;
  let end: () => PromiseLike<void>;
  beforeAll(async () => {
    browser = await launchBrowser();
    const gate = await startFakeGate(fleet());
    ({ page } = await openPage(browser, gate.url));
    end = () => gate[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await browser.close();
    await end();
  });

  /** What an expression gives that uses what a module exports, as `m`. */
  const ask = (module: string, expression: string) =>
    page.evaluate<unknown>(`import('/page/${module}').then((m) => ${expression})`);

  test.each([
    ['duration(0)', '0 ms'],
    ['duration(850.4)', '850 ms'],
    ['duration(4250)', '4.2 s'],
    ['duration(59_999)', '59 s'],
    ['duration(200_000)', '3 min 20 s'],
    ['duration(7_500_000)', '2 h 5 min'],
    ['duration(273_600_000)', '3 d 4 h'],
    ['elapsed(400)', '0 s'],
    ['elapsed(4_900)', '4 s'],
    ['elapsed(61_000)', '1 min 1 s'],
    ['ago(1_000, 1_900)', 'now'],
    ['ago(0, 700_000)', '11 min ago'],
    ['ago(5_000, 0)', 'now'],
    ['number(1234567)', '1\u202f234\u202f567'],
    ['plural(1, "session")', '1 session'],
    ['plural(2, "session")', '2 sessions'],
    ['bytes(0)', '0 B'],
    ['bytes(999)', '999 B'],
    ['bytes(12_345)', '12.3 kB'],
    ['bytes(123_456_789)', '123 MB'],
    ['timeOf(null)', null],
    ['timeOf("no time")', null],
    ['timeOf("1970-01-01T00:00:01.000Z")', 1_000],
    ['printable("a\\u202eb\\nc")', 'a\\u202eb\\u000ac'],
    ['cut("abcdef", 3)', 'abc…'],
    ['cut("abc", 3)', 'abc'],
  ])('%s is %j', async (expression, expected) => {
    expect(await ask('text.js', `m.${expression}`)).toBe(expected);
  });

  test('what acts or is not seen is escaped as it is in the log', async () => {
    const text = 'a\u001b[2J\u009b\u202e\u200b\u00ad\u2028\ufeff\u{e0041}\ud83d! Zoë, 東京, 😀';
    expect(await ask('text.js', `m.printable(${JSON.stringify(text)})`)).toBe(escapeActive(text));
  });

  test.each([
    ['lineOf("4.15.2-HBase-1.4")', '4.15'],
    ['lineOf("4.15")', '4.15'],
    ['lineOf("<script>")', null],
    ['lineOf("4.99999999999.0")', null],
    ['compareVersions("4.9.0", "4.15.0") < 0', true],
    ['compareVersions("5.0", "4.15.1") > 0', true],
    ['compareVersions("4.15.0", "4.15.0")', 0],
  ])('%s is %j', async (expression, expected) => {
    expect(await ask('releases.js', `m.${expression}`)).toBe(expected);
  });

  test('neighbouring release lines never have one colour, and each keeps its own', async () => {
    const lines = Array.from({ length: 8 }, (_, at) => `9.${at}.0`);
    const ask8 = `${JSON.stringify(lines)}.map((line) => m.colourOf(line))`;
    const first = (await ask('releases.js', `(m.meet(${JSON.stringify(lines)}), ${ask8})`)) as number[];
    expect(new Set(first).size).toBe(8);
    expect(await ask('releases.js', ask8)).toEqual(first);
  });
});
