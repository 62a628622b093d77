/** Every expectation fails when what it names is otherwise, with what was found. */
import { expect, test } from 'vitest';
import { failuresOf, play } from '../../support/scenarios.ts';

const SCENARIO = {
  servers: { count: 2, version: '4.14.0', tables: '4.13.0', upgradeTime: '2s' },
  clients: [
    { name: 'app', count: 2, version: '4.14.1' },
    { name: 'early', version: '4.15.0' },
    { name: 'old', version: '4.13.0' },
  ],
  steps: [
    { connect: 'app' },
    { connect: 'early' },
    { connect: 'old' },
    { wait: '5s' },
    { kill: 'rs1' },
    { kill: 'rs2' },
  ],
};

/** What happens: 3 admitted (2 of them waited 2 s), 1 refused, 3 dropped, one upgrade to 28. */
const RIGHT = {
  dropped: 3,
  lost: 0,
  admitted: { '4.14.1': 2, '4.13.0': 1 },
  refused: { SERVER_OUTDATED: { '4.15.0': 1 } },
  decisions: { PERMITTED: 3, SERVER_OUTDATED: 1 },
  waited: 2,
  upgrades: [28],
  level: 28,
  longestWait: '3s',
  sessions: 0,
  matrix: {
    '4.15': 'SERVER_OUTDATED',
    '4.14': 'hold',
    '4.13.2': { '4.14': 'permit', '4.16': 'CLIENT_OUTDATED' },
  },
};

test('all that is as expected holds', async () => {
  const report = await play({ ...SCENARIO, expect: RIGHT });
  expect(failuresOf(report)).toEqual([]);
  expect(report.checks.length).toBe(15);
});

test.each([
  [{ dropped: 0 }, 'expect.dropped: 0, 3'],
  [{ lost: 1 }, 'expect.lost: 1, 0'],
  [{ admitted: 4 }, 'expect.admitted: 4, 3'],
  [{ admitted: { '4.14.1': 3 } }, 'expect.admitted.4.14.1: 3, 2'],
  [{ refused: 0 }, 'expect.refused: 0, 1'],
  [{ refused: { SERVER_OUTDATED: 0 } }, 'expect.refused.SERVER_OUTDATED: 0, 1'],
  [{ refused: { CLIENT_OUTDATED: 1 } }, 'expect.refused.CLIENT_OUTDATED: 1, 0'],
  [{ refused: { SERVER_OUTDATED: { '4.15.0': 2 } } }, 'expect.refused.SERVER_OUTDATED.4.15.0: 2, 1'],
  [{ decisions: { PERMITTED: 3 } }, 'expect.decisions: {"PERMITTED":3}, {"PERMITTED":3,"SERVER_OUTDATED":1}'],
  [{ waited: 0 }, 'expect.waited: 0, 2'],
  [{ upgrades: [] }, 'expect.upgrades: [], [28]'],
  [{ upgrades: [28, 28] }, 'expect.upgrades: [28,28], [28]'],
  [{ level: 27 }, 'expect.level: 27, 28'],
  [{ sessions: 1 }, 'expect.sessions: 1, 0'],
  [{ matrix: { '4.14': 'permit' } }, 'expect.matrix.4.14: "permit", "hold"'],
  [{ matrix: { '4.14': 'PERMITTED' } }, 'expect.matrix.4.14: "PERMITTED", "NO_SERVER"'],
  [{ matrix: { '4.13': { '4.16': 'permit' } } }, 'expect.matrix.4.13.4.16: "permit", "refuse"'],
])('%j does not hold', async (wrong, failure) => {
  const report = await play({ ...SCENARIO, expect: wrong });
  expect(failuresOf(report)).toEqual([failure]);
});

test('a wait that is longer than expected is said as it was', async () => {
  const { failures } = await play({ ...SCENARIO, expect: { longestWait: '1s' } });
  expect(failures).toMatchObject([{ field: 'expect.longestWait', expected: 1_000 }]);
  expect(failures[0]?.found).toBeGreaterThan(2_000);
});

test('an expectation at a step is of that moment', async () => {
  const report = await play({
    ...SCENARIO,
    steps: [
      { connect: 'app' },
      { expect: { level: 27, sessions: 0, matrix: { '4.14': 'hold' } } },
      { wait: '5s' },
    ],
    expect: { level: 28, sessions: 2, matrix: { '4.14': 'permit' } },
  });
  expect(failuresOf(report)).toEqual([]);
});
