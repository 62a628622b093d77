/** Which clients there are, and where each release line is on its way out. */
import { describe, expect, test } from 'vitest';
import { census } from '../../src/planning/census.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { fleet, NOW } from './support.ts';

const statuses = (facts: ReturnType<typeof fleet>) =>
  Object.fromEntries(census(facts).map(({ line, status }) => [line, status]));

describe('the census', () => {
  test('tells of a line how many, since when, where from, with what, and who', () => {
    const lines = census(
      fleet({
        servers: ['4.14.0'],
        level: 28,
        sessions: { '4.12.0 batch 10.0.3.7': 2, '4.12.3 web 10.0.3.8': 3 },
        seen: ['4.12.0 nightly 10.0.3.9'],
      }),
    );
    expect(lines.find(({ line }) => line === '4.12')).toEqual({
      line: '4.12',
      versions: ['4.12.0', '4.12.3'],
      sessions: 5,
      lastSeenAt: NOW - 60_000,
      hosts: ['10.0.3.8', '10.0.3.7', '10.0.3.9'],
      drivers: ['driver/1'],
      who: ['web', 'batch', 'nightly'],
      verdictNow: 'permit',
      codeNow: 'PERMITTED',
      verdictNext: 'refuse',
      codeNext: 'CLIENT_OUTDATED',
      status: 'leaving',
    });
  });

  test('a line moves from current over leaving and draining to drained, and is gone with the hour', () => {
    const sessions = { '4.12.0': 2 };
    const seen = ['4.12.0 batch'];
    expect(statuses(fleet({ servers: ['4.13.0'], level: 27, sessions }))['4.12']).toBe('current');
    expect(statuses(fleet({ servers: ['4.14.0'], level: 28, sessions }))['4.12']).toBe('leaving');
    expect(statuses(fleet({ servers: ['4.15.0', '4.14.0'], level: 28, sessions }))['4.12']).toBe('draining');
    expect(statuses(fleet({ servers: ['4.15.0', '4.14.0'], level: 28, seen }))['4.12']).toBe('drained');
    expect(statuses(fleet({ servers: ['4.15.0', '4.14.0'], level: 28 }))).not.toHaveProperty('4.12');
  });

  test('a line that would be admitted and has nobody is unseen; one that comes too early is ahead', () => {
    expect(statuses(fleet({ servers: ['4.14.0'], level: 28, seen: ['4.15.0 eager'] }))).toEqual({
      '4.12': 'unseen',
      '4.13': 'unseen',
      '4.14': 'unseen',
      '4.15': 'ahead',
    });
  });

  test('a client that waits for a blocked upgrade is ahead, not on its way out', () => {
    const upgrade = { state: { state: 'blocked', reason: 'backup', until: null } } as const;
    const facts = fleet({ servers: ['4.15.0'], level: 28, seen: ['4.15.0 web'], upgrade });
    expect(statuses(facts)['4.15']).toBe('ahead');
  });

  test('a release that an operator drains is draining, then drained, whatever policy says', () => {
    const drained = (facts: ReturnType<typeof fleet>) => ({
      ...facts,
      sessions: facts.sessions.map((one) => ({ ...one, drained: true })),
      seen: facts.seen.map((one) => ({ ...one, drained: true })),
    });
    const servers = ['4.14.0'];
    expect(census(drained(fleet({ servers, level: 28, sessions: { '4.13.0': 1 } })))).toContainEqual(
      expect.objectContaining({
        line: '4.13',
        status: 'draining',
        verdictNow: 'refuse',
        codeNow: 'RELEASE_DRAINED',
      }),
    );
    expect(statuses(drained(fleet({ servers, level: 28, seen: ['4.13.0 web'] })))['4.13']).toBe('drained');
  });

  test('the patch that fares worst speaks for its line', () => {
    const facts = fleet({ servers: ['4.2.1'], level: 4, sessions: { '4.2.0': 1, '4.2.1': 1 } });
    expect(census(facts).find(({ line }) => line === '4.2')).toMatchObject({ verdictNow: 'migrate' });
  });

  test('a policy that knows no releases lists whom it saw', () => {
    const facts = fleet({ policy: PRESETS.ranges, servers: ['4.14.0'], sessions: { '4.14.0': 1 } });
    expect(census(facts)).toMatchObject([{ line: '4.14', sessions: 1 }]);
  });
});
