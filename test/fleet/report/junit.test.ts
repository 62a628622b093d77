/** The JUnit report is XML that CI reads: a suite a scenario, a case an expectation, whatever names hold. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { junitReport } from '../../../src/fleet/report/junit.ts';
import { escapeMarkup } from '../../../src/report/escape.ts';
import { finish, scenarioOf } from '../../support/scenarios.ts';
import { parseXml } from '../../support/xml.ts';

const failing = scenarioOf({
  name: 'a "name" with <signs> & more',
  steps: [{ connect: 'app' }],
  expect: { admitted: 1, dropped: 3, longestWait: '1s' },
});
const passing = scenarioOf({ name: 'passes', steps: [{ connect: 'app' }] });

test('suites, cases, failures and their counts', async () => {
  const runs = [await finish(failing, 'one.yaml'), await finish(passing, 'two.yaml')];
  const { name, attributes, children } = parseXml(junitReport(runs));
  expect(name).toBe('testsuites');
  expect(attributes).toMatchObject({ tests: '4', failures: '1' });
  expect(
    children.map((suite) => [
      suite.name,
      suite.attributes.name,
      suite.attributes.tests,
      suite.attributes.failures,
    ]),
  ).toEqual([
    ['testsuite', 'a "name" with <signs> & more', '3', '1'],
    ['testsuite', 'passes', '1', '0'],
  ]);
  const cases = children.map(({ children: parts }) => parts.filter((part) => part.name === 'testcase'));
  expect(cases.map((those) => those.map((one) => one.attributes.name))).toEqual([
    ['expect.dropped', 'expect.longestWait', 'expect.admitted'],
    ['played to its end'],
  ]);
  const [dropped, wait] = cases[0] as [(typeof children)[number], (typeof children)[number]];
  expect(dropped.attributes).toMatchObject({ classname: 'a "name" with <signs> & more', file: 'one.yaml' });
  expect(dropped.children).toMatchObject([
    {
      name: 'failure',
      attributes: { type: 'expectation', message: 'expected 3, found 0' },
      text: 'expect.dropped: expected 3, found 0',
    },
  ]);
  expect(wait.children).toEqual([]);
});

test('any text is written so that a reader gets it back, but for what XML can not hold', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { attributes, text: inside } = parseXml(`<a b="${escapeMarkup(text)}">${escapeMarkup(text)}</a>`);
      const whole = [...text]
        .map((sign) =>
          /[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(sign) ? sign : '\uFFFD',
        )
        .join('');
      expect(attributes.b).toBe(whole);
      expect(inside).toBe(whole);
    }),
    { numRuns: 30 },
  );
});

test.each([
  '<a><b></a></b>',
  '<a>',
  '<a b="1" b="2"/>',
  '<a>&nbsp;</a>',
  '<a/><b/>',
  '<a>\u0001</a>',
  '<a b=1/>',
])('the reader itself refuses %j', (text) => {
  expect(() => parseXml(text)).toThrow();
});
