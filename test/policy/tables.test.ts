/** Preset `phoenix`: who brings the one-time upgrade, lockstep, and servers older than the tables. */

import { describe, expect, test } from 'vitest';
import { decide } from '../../src/policy/decide.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { isHopByHop } from '../../src/version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import { parseVersion } from '../../src/version/version.ts';
import { judged } from '../support/facts.ts';

describe('who brings the upgrade', () => {
  test('[M3] the first newly upgraded client at the newly upgraded cluster', () => {
    expect(judged('4.15.0', ['4.15.0', '4.15.1'], { level: 28 })).toMatchObject({
      verdict: 'migrate',
      code: 'UPGRADE_NEEDED',
      rule: 'M3',
      move: null,
      retry: 'later',
      vendorCode: null,
      sqlState: null,
      observed: { level: 28 },
      message: 'Client 4.15.0 is admitted once the system tables are upgraded to level 29.',
    });
  });

  test('[M3] nobody, once the tables are there', () => {
    expect(judged('4.15.0', ['4.15.0'], { level: 29 }).verdict).toBe('permit');
  });

  test('[M3] an older client does not bring it, and is admitted to the tables as they are', () => {
    expect(judged('4.14.0', ['4.15.0'], { level: 28 })).toMatchObject({ verdict: 'permit', rule: 'M2' });
  });

  test('[M3] nobody while one server is still old', () => {
    expect(judged('4.15.0', ['4.15.0', '4.14.0'], { level: 28 }).code).toBe('SERVER_OUTDATED');
    expect(judged('4.15.0', ['4.15.0', '4.14.0 down'], { level: 28 }).code).toBe('SERVER_OUTDATED');
  });

  test('[M3] a minor that changes no table brings nothing: 4.11 to 4.13', () => {
    for (const version of ['4.11.0', '4.12.0', '4.13.0'])
      expect(judged(version, ['4.13.0'], { level: 27 }).verdict, version).toBe('permit');
  });

  test('[M3] a patch that changes a table brings it: 4.2.0 to 4.2.1', () => {
    expect(judged('4.2.1', ['4.2.1'], { level: 4 })).toMatchObject({
      verdict: 'migrate',
      code: 'UPGRADE_NEEDED',
      rule: 'M3',
    });
    expect(judged('4.2.0', ['4.2.1'], { level: 4 }).verdict).toBe('permit');
  });

  test('[M3] a level that nobody reports is that of the oldest server, down or not', () => {
    expect(judged('4.14.0', ['4.15.0', '4.14.0 down'])).toMatchObject({
      verdict: 'permit',
      observed: { level: 28 },
    });
    expect(judged('4.15.0', ['4.15.0', '4.16.0'])).toMatchObject({
      verdict: 'permit',
      observed: { level: 29 },
    });
  });
});

describe('lockstep', () => {
  test('[M4] with tables of 4.2, a client of 4.1 is refused and must move to 4.2', () => {
    expect(judged('4.1.0', ['4.2.1'])).toMatchObject({
      verdict: 'refuse',
      code: 'LOCKSTEP',
      rule: 'M4',
      move: { side: 'client', to: '4.2', who: ['4.1.0'] },
      retry: 'after-change',
      vendorCode: null,
    });
  });

  test('[M4] the first newer client brings the upgrade, after which the older ones must go', () => {
    const servers = ['4.2.0'];
    expect(judged('4.1.0', servers, { level: 3 }).verdict).toBe('permit');
    expect(judged('4.2.0', servers, { level: 3 })).toMatchObject({ verdict: 'migrate', rule: 'M3' });
    expect(judged('4.1.0', servers, { level: 4 }).code).toBe('LOCKSTEP');
    expect(judged('4.2.0', servers, { level: 4 }).verdict).toBe('permit');
  });

  test('[M4] tables that rose further than what is on record: older clients must go, newer ones wait for the record', () => {
    const risen = { level: 3, reached: 4 };
    expect(judged('4.1.0', ['4.2.0'], risen)).toMatchObject({
      verdict: 'refuse',
      code: 'LOCKSTEP',
      move: { side: 'client', to: '4.2' },
    });
    const upgrade = { state: 'unavailable' } as const;
    expect(judged('4.1.0', ['4.2.0'], { ...risen, upgrade }).code).toBe('LOCKSTEP');
    expect(judged('4.2.0', ['4.2.0'], { ...risen, upgrade }).code).toBe('LEDGER_UNAVAILABLE');
  });

  test('[M4] patches of the line of the tables are not told apart', () => {
    expect(judged('4.2.0', ['4.2.1'], { level: 5 }).verdict).toBe('permit');
  });

  test('[M4] from 4.3 on, clients of different minors are connected at the same time', () => {
    for (const version of ['4.1.0', '4.2.0', '4.3.0'])
      expect(judged(version, ['4.3.0'], { level: 7 }).verdict, version).toBe('permit');
    for (const version of ['4.12.0', '4.13.0', '4.14.0'])
      expect(judged(version, ['4.14.0']).verdict, version).toBe('permit');
  });

  test('[M4] without lockstep in the policy, an older client stays', () => {
    const policy = { ...PRESETS.phoenix, lockstep: false };
    expect(judged('4.1.0', ['4.2.1'], { policy })).toMatchObject({ verdict: 'permit', rule: 'M2' });
  });
});

describe('steps of an upgrade', () => {
  test('[M5] to a release below 4.3 they go minor by minor, to a later one direct, whatever the start', () => {
    const steps = ['4.2.1', '4.3.0', '4.14.0', '5.4.0'].map((to) =>
      isHopByHop(PHOENIX_CATALOGUE, parseVersion(to)),
    );
    expect(steps).toEqual([true, false, false, false]);
  });

  test('[M5] a client may bring the tables over several releases at once', () => {
    expect(judged('4.16.0', ['4.16.0'], { level: 7 })).toMatchObject({ verdict: 'migrate' });
  });
});

describe('servers older than the tables', () => {
  test('[M3] get no session: with no other server the client is refused', () => {
    expect(judged('4.14.0', ['4.14.0', '4.14.3'], { level: 29 })).toMatchObject({
      verdict: 'refuse',
      code: 'SERVER_BEHIND_TABLES',
      rule: 'M3',
      move: { side: 'server', to: '4.15', who: ['s1', 's2'] },
      retry: 'after-change',
      vendorCode: null,
    });
  });

  test('[M3] go forward, not back to another major: the tables of 4.16 need a 5.1 server, not a 4.16', () => {
    expect(judged('5.0.0', ['5.0.0'], { level: 33 })).toMatchObject({
      code: 'SERVER_BEHIND_TABLES',
      move: { side: 'server', to: '5.1', who: ['s1'] },
      message: 'Every server is older than the system tables (level 33): bring s1 to 5.1.',
    });
    expect(judged('4.0.0', ['4.0.0'], { level: 2 }).move?.to).toBe('4.1');
  });

  test.each([
    ['5.4.0', 1_000],
    ['6.0.0', 46],
  ])('[M3] %s with tables at level %i: no release is known that works with them', (version, level) => {
    expect(judged(version, [version], { level })).toMatchObject({
      code: 'SERVER_BEHIND_TABLES',
      move: { side: 'server', to: `level ${level}`, who: ['s1'] },
      message: `Every server is older than the system tables (level ${level}): bring s1 to a release that works with them.`,
    });
  });

  test('[M3] get none as soon as the tables rose, on record or not', () => {
    expect(judged('4.14.0', ['4.14.0'], { level: 28, reached: 29 })).toMatchObject({
      code: 'SERVER_BEHIND_TABLES',
      move: { side: 'server', to: '4.15', who: ['s1'] },
    });
  });

  test('[M3] are served around: others take the client', () => {
    const decision = judged('4.14.0', ['4.14.0', '4.15.0'], { level: 29 });
    expect(decision.verdict).toBe('permit');
    expect(decision.trace).toContainEqual({
      rule: 'M3',
      outcome: 'pass',
      because: 's1 (4.14.0) is older than the system tables (level 29) and served around',
    });
  });

  test('[N1] when the others are down, the client waits for them rather than use the old server', () => {
    expect(judged('4.14.0', ['4.14.0', '4.15.0 down'], { level: 29 })).toMatchObject({
      verdict: 'hold',
      code: 'NO_SERVER',
    });
  });
});

describe('a level that no release of the catalogue reaches', () => {
  const client = { version: parseVersion('4.14.0'), upgrade: 'may' } as const;
  const server = (id: string, level: number) =>
    ({ id, version: parseVersion('4.14.0'), state: 'up', level }) as const;
  const decided = (level: number, ...servers: ReadonlyArray<ReturnType<typeof server>>) =>
    decide(client, { servers, level, upgrade: { state: 'idle' } }, PRESETS.phoenix);

  test('[M3] is believed of no server alone: clients are served by what the others say', () => {
    const absurd = 2_147_483_647;
    for (const servers of [[server('rs1', 28), server('rs2', absurd)], [server('rs2', absurd)]])
      expect(decided(absurd, ...servers)).toMatchObject({ verdict: 'permit', observed: { level: 28 } });
  });

  test('[M3] that several servers say is believed, and the refusal names who said it', () => {
    const { code, message } = decided(90, server('rs1', 90), server('rs2', 90));
    expect(code).toBe('SERVER_BEHIND_TABLES');
    expect(message).toContain('level 90, as said by rs1, rs2');
  });
});
