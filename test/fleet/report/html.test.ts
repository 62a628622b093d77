/** The page stands alone, says all in text, and takes any name for what it is. */
import { describe, expect, test } from 'vitest';
import { htmlReport } from '../../../src/fleet/report/html.ts';
import { inWords } from '../../../src/fleet/report/words.ts';
import { finish, scenarioOf } from '../../support/scenarios.ts';

const UPGRADE = {
  servers: { count: 2, version: '4.13.0', tables: '4.13.0', upgradeTime: '1s' },
  clients: [
    { name: 'app', count: 3, version: '4.14.0' },
    { name: 'early', version: '4.14.0' },
  ],
  steps: [
    { connect: 'early' },
    { roll: { to: '4.14.0', health: '5s' } },
    { connect: 'app' },
    { wait: '3s' },
    { kill: 'rs1' },
    { wait: '1s' },
  ],
  expect: { dropped: 0, upgrades: [28] },
};

test('nothing is loaded from elsewhere, and nothing runs', async () => {
  const page = htmlReport([await finish(scenarioOf(UPGRADE))]);
  expect(page).not.toMatch(/<script|<link(?! rel="icon" href="data:,")|<img|<iframe|@import|url\((?!#)/i);
  expect(page).not.toMatch(/https?:\/\//);
  expect(page).not.toMatch(/\son\w+=/);
});

test('names are text, never markup', async () => {
  const evil = '</title><b onclick="x">&';
  const page = htmlReport([
    await finish(
      scenarioOf({
        name: evil,
        about: evil,
        clients: [{ name: evil, version: '4.14.0' }],
        steps: [{ connect: evil }],
      }),
      `${evil}.yaml`,
    ),
  ]);
  expect(page).not.toContain('<b ');
  expect(page).toContain('&lt;/title&gt;&lt;b onclick=&quot;x&quot;&gt;&amp;');
});

describe('the picture', () => {
  test('in words: servers with their versions, counts, the upgrade', async () => {
    const { report, summary } = await finish(scenarioOf(UPGRADE));
    const words = inWords(report, summary);
    expect(words).toMatch(
      /^Servers: rs1 on 4\.13\.0, 4\.14\.0 from [\d.]+ s; rs2 on 4\.13\.0, 4\.14\.0 from [\d.]+ s\./,
    );
    expect(words).toContain('3 clients admitted, 1 refused,');
    expect(words).toMatch(/System tables: upgrade to level 28 from [\d.]+ s to [\d.]+ s, done\./);
    expect(htmlReport([{ file: 'x', report, summary }])).toContain(words);
  });

  test('shows what happened, and leaves out what did not', async () => {
    const [all, calm] = [
      htmlReport([await finish(scenarioOf(UPGRADE))]),
      htmlReport([await finish(scenarioOf({ steps: [{ connect: 'app' }] }))]),
    ];
    for (const text of [
      'upgrade to level 28',
      'Refused: SERVER_OUTDATED (1)',
      'Dropped sessions (',
      'class="down"',
      'class="waiting"',
    ])
      expect(all).toContain(text);
    for (const text of [
      'upgrade to level',
      'Refused: ',
      'Dropped sessions (',
      'class="down"',
      'class="waiting"',
      'NaN',
      'undefined',
    ])
      expect(calm).not.toContain(text);
    expect(all).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('of tens of thousands of events it stays small', async () => {
    const { report, summary } = await finish(
      scenarioOf({
        clients: [{ name: 'app', count: 500, version: '4.14.0', over: '10s', stay: '1s' }],
        steps: [{ connect: 'app' }],
      }),
    );
    const sessions = Array.from({ length: 40 }, () => report.sessions).flat();
    expect(sessions.length).toBeGreaterThan(30_000);
    expect(htmlReport([{ file: 'x', summary, report: { ...report, sessions } }]).length).toBeLessThan(
      200_000,
    );
  });
});

test('several scenarios: an overview that leads to each', async () => {
  const runs = [
    await finish(scenarioOf(UPGRADE)),
    await finish(scenarioOf({ name: 'calm', steps: [{ connect: 'app' }] })),
  ];
  const page = htmlReport(runs);
  expect(page).toContain('2 scenarios, 1 failed');
  expect([...page.matchAll(/href="#(scenario-\d)"/g)].map(([, id]) => id)).toEqual([
    'scenario-1',
    'scenario-2',
  ]);
  for (const id of ['scenario-1', 'scenario-2']) expect(page).toContain(`id="${id}"`);
  const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a scenario that fails says so at the top, before the picture', async () => {
  const page = htmlReport([await finish(scenarioOf(UPGRADE))]);
  expect(page).toContain('<title>FAILED: a test</title>');
  expect(page.indexOf('Failed expectations')).toBeGreaterThan(0);
  expect(page.indexOf('Failed expectations')).toBeLessThan(page.indexOf('<svg'));
});

test('the report of a fleet whose gate was killed tells the take-over as one upgrade that was done', async () => {
  const { summary } = await finish(
    scenarioOf({
      gates: 2,
      servers: { count: 2, version: '4.14.0', tables: '4.13.0', upgradeTime: '4s' },
      clients: [{ name: 'app', version: '4.14.0', again: '500ms' }],
      migration: { lease: '2s' },
      steps: [{ connect: 'app' }, { wait: '1s' }, { kill: 'gate1' }, { wait: '10s' }],
    }),
  );
  expect(summary.upgrades.map(({ outcome, level }) => [outcome, level])).toEqual([
    ['abandoned', 28],
    ['done', 28],
  ]);
});

test('a server that leaves while nobody uses it is seen to leave, like the others', async () => {
  const steps = [{ roll: { to: '4.14.1' } }];
  const { report } = await finish(scenarioOf({ servers: { count: 3, version: '4.14.0' }, steps }));
  const left = report.nodes.filter(({ state }) => state === 'leaving').map(({ id }) => id);
  expect(left).toEqual(['rs1', 'rs2', 'rs3']);
});

test('each kind of refusal has the sentence that the first such client was told', async () => {
  const clients = [{ name: 'early', version: '4.15.0' }];
  const run = await finish(scenarioOf({ clients, steps: [{ connect: 'early' }] }));
  expect(htmlReport([run])).toContain('upgrade every server to 4.15 before any client.');
  expect(run.summary.decisions).toMatchObject([{ client: '4.15.0', groups: ['early'] }]);
});
