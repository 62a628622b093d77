/** Two decision logs compared: what a regression gate would say. */
import { describe, expect, test } from 'vitest';
import { compareDecisions, printDifferences } from '../../src/fleet/baseline.ts';
import { startFleet } from '../../src/testing/index.ts';

type Fields = Readonly<Record<string, unknown>>;

const OBSERVED = { oldest: '4.14.0', newest: '4.15.0', level: 28 };
let serial = 0;

function line(fields: Fields = {}): string {
  return JSON.stringify({
    time: new Date(++serial).toISOString(),
    event: 'handshake',
    connection: `c${serial}`,
    session: `s${serial}`,
    client: '4.14.0',
    gate: 'gate1',
    cluster: 'main',
    observed: OBSERVED,
    verdict: 'permit',
    code: 'PERMITTED',
    move: null,
    ...fields,
  });
}

const REFUSED = {
  verdict: 'refuse',
  code: 'SERVER_OUTDATED',
  retry: 'after-change',
  move: { side: 'server', to: '4.15', who: ['rs1'] },
};
const PASSING = { verdict: 'refuse', code: 'NO_SERVER', retry: 'later', move: null };
const repeat = (times: number, fields?: Fields) => Array.from({ length: times }, () => line(fields));

describe('nothing differs', () => {
  test('between two runs with other times, ids, orders, and other records among them', () => {
    const before = [line(), line({ client: '4.15.0', ...REFUSED }), line({ event: 'gate' })];
    const after = [
      line({ client: '4.15.0', ...REFUSED, move: { ...REFUSED.move, who: ['rs1', 'rs2'] } }),
      'no record',
      line({ event: 'session-end' }),
      line(),
    ];
    expect(compareDecisions(before, after)).toEqual([]);
  });

  test('between nothing and nothing', () => {
    expect(compareDecisions([], [])).toEqual([]);
    expect(printDifferences([])).toBe('');
  });
});

describe('what differs', () => {
  test.each([
    ['answer', 'another verdict', {}, REFUSED],
    ['answer', 'another code', REFUSED, { ...REFUSED, code: 'CLIENT_OUTDATED' }],
    ['answer', 'another side that moves', REFUSED, { ...REFUSED, move: { ...REFUSED.move, side: 'client' } }],
    ['answer', 'another release to move to', REFUSED, { ...REFUSED, move: { ...REFUSED.move, to: '4.16' } }],
    ['answer', 'nobody moves any more', REFUSED, { ...REFUSED, move: null }],
  ])('%s: %s', (kind, _, before, after) => {
    const [difference, ...more] = compareDecisions([line(before)], [line(after)]);
    expect(more).toEqual([]);
    expect(difference).toMatchObject({ kind, question: { client: '4.14.0', oldest: '4.14.0', level: 28 } });
  });

  test('a client that nobody was before, and one that is gone', () => {
    const differences = compareDecisions([line()], [line({ client: '4.13.0' })]);
    expect(differences.map(({ kind, question }) => [kind, question.client])).toEqual([
      ['new', '4.13.0'],
      ['gone', '4.14.0'],
    ]);
  });

  test('an answer that the client never got, though the question is another', () => {
    const mixed = { observed: { ...OBSERVED, oldest: '4.13.0' } };
    const kinds = (before: string[], after: string[]) =>
      compareDecisions(before, after).map(({ kind }) => kind);
    expect(kinds([line()], [line(), line({ ...mixed, ...REFUSED })])).toEqual(['new']);
    expect(kinds([line(), line({ ...mixed, ...REFUSED })], [line()])).toEqual(['gone']);
    expect(kinds([line({ ...mixed, ...REFUSED })], [])).toEqual(['gone']);
  });
});

describe('what is a matter of timing is no difference', () => {
  test('how often', () => {
    const before = [...repeat(3), ...repeat(1, REFUSED)];
    expect(compareDecisions(before, [...repeat(2), ...repeat(2, REFUSED)])).toEqual([]);
  });

  test.each([
    ['oldest server', { observed: { ...OBSERVED, oldest: '4.13.0' } }],
    ['newest server', { observed: { ...OBSERVED, newest: '4.16.0' } }],
    ['level', { observed: { ...OBSERVED, level: 29 } }],
  ])('that a client came at the moment of another %s, and was answered as ever', (_, fields) => {
    expect(compareDecisions([line()], [line(), line(fields)])).toEqual([]);
    expect(compareDecisions([line(), line(fields)], [line()])).toEqual([]);
  });

  test('refusals after which the same client may come again; but not that it was never admitted', () => {
    expect(compareDecisions([line()], [line(PASSING), line()])).toEqual([]);
    expect(compareDecisions([line()], [line(PASSING)]).map(({ kind }) => kind)).toEqual(['gone']);
  });
});

test('is printed a question at a time, with what was answered then and now', () => {
  const before = [...repeat(3), line({ client: '4.12.0' })];
  const after = [
    ...repeat(2),
    ...repeat(1, REFUSED),
    line({ client: null, observed: { oldest: null, newest: null, level: null } }),
  ];
  expect(printDifferences(compareDecisions(before, after))).toBe(
    [
      'client 4.12.0, servers 4.14.0 to 4.15.0, level 28: is never told this any more',
      '  before: 1 × permit PERMITTED',
      'client 4.14.0, servers 4.14.0 to 4.15.0, level 28: has another answer',
      '  before: 3 × permit PERMITTED',
      '  after:  2 × permit PERMITTED',
      '  after:  1 × refuse SERVER_OUTDATED, server to 4.15',
      'client unknown, servers unknown: was never told this before',
      '  after:  1 × permit PERMITTED',
    ].join('\n'),
  );
});

test('the logs of two fleets: the same policy decides the same, another one does not', async () => {
  const play = async (window: number) => {
    await using fleet = await startFleet({ servers: ['4.14.0', '4.15.0'], policy: { window } });
    for (const version of ['4.12.0', '4.13.1', '4.14.0', '4.15.0']) await fleet.attempt(version);
    return fleet.log;
  };
  const [first, second, narrow] = [await play(2), await play(2), await play(1)];
  expect(compareDecisions(first, second)).toEqual([]);
  expect(compareDecisions(first, narrow).map(({ kind, question }) => [kind, question.client])).toEqual([
    ['answer', '4.12.0'], // has to move further
    ['answer', '4.13.1'],
  ]);
});
