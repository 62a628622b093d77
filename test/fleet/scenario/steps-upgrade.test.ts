/** What a scenario's steps do to the upgrade and to its ledger, on virtual time. */
import { describe, expect, test } from 'vitest';
import { failuresOf, play } from '../../support/scenarios.ts';

const TABLES = { count: 2, version: '4.14.0', tables: '4.13.0', upgradeTime: '2s' };
const app = (more: object = {}) => [{ name: 'app', version: '4.14.0', ...more }];

describe('the upgrade', () => {
  test('[M3] an operator blocks it, unblocks it, and the next client brings it', async () => {
    const report = await play({
      servers: TABLES,
      steps: [
        { operator: 'block' },
        { connect: 'app' },
        { expect: { refused: { UPGRADE_BLOCKED: 1 }, upgrades: [] } },
        { operator: 'unblock' },
        { connect: 'app' },
      ],
      expect: { decisions: { UPGRADE_BLOCKED: 1, PERMITTED: 1 }, upgrades: [28] },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('[M3] an operator approves it where that is asked for', async () => {
    const report = await play({
      servers: TABLES,
      migration: { trigger: { approval: true } },
      steps: [
        { connect: 'app' },
        { expect: { refused: { UPGRADE_REQUIRED: 1 }, level: 27 } },
        { operator: 'approve' },
        { connect: 'app' },
      ],
      expect: { upgrades: [28], level: 28 },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('[M3] a gate that dies and comes back goes on with it: once', async () => {
    const report = await play({
      servers: TABLES,
      clients: app({ again: '500ms' }),
      migration: { lease: '2s' },
      steps: [{ connect: 'app' }, { kill: 'gate1' }, { start: 'gate1' }, { wait: '10s' }],
      expect: { upgrades: [28], sessions: 1 },
    });
    expect(failuresOf(report)).toEqual([]);
  });

  test('[M3] a gate that restarts in order gives it back, and goes on with it: once', async () => {
    const report = await play({
      servers: TABLES,
      clients: app({ again: '500ms' }),
      steps: [{ connect: 'app' }, { restart: 'gate1' }, { wait: '10s' }],
      expect: { upgrades: [28], sessions: 1, refused: { DRAINING: 1 } },
    });
    expect(failuresOf(report)).toEqual([]);
    expect(report.facts.history.map(({ what }) => what)).toContain('released');
  });
});

describe('a ledger that is lost', () => {
  const steps = (ledger: unknown, ...more: object[]) => [
    { connect: 'app' },
    { wait: '500ms' },
    { ledger },
    { wait: '4s' },
    { expect: { upgrades: [] } },
    ...more,
    { wait: '5s' },
  ];
  const stated = { servers: TABLES, clients: app({ again: '500ms' }) };

  test.each(['deleted', 'wiped', { restored: '1s' }])(
    '%j: the upgrade under way ends, and goes on once an operator has accepted what is there: once',
    async (ledger) => {
      const report = await play({
        ...stated,
        steps: steps(ledger, { operator: 'accept-ledger' }),
        expect: { upgrades: [28], sessions: 1 },
      });
      expect(failuresOf(report)).toEqual([]);
      expect(report.facts.history.map(({ what }) => what)).toContain('ledger-accepted');
    },
  );

  test('nobody accepts it: no upgrade begins, and who needs one is told so', async () => {
    const report = await play({ ...stated, steps: steps('deleted'), expect: { upgrades: [], sessions: 0 } });
    expect(failuresOf(report)).toEqual([]);
    const told = report.facts.records.flatMap((record) => (record.event === 'handshake' ? record.code : []));
    expect(told.at(-1)).toBe('UPGRADE_REQUIRED');
  });
});
