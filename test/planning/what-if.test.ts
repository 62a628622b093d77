/** Whom a change would refuse: of today's sessions, and of those who came in the last hour. */
import { describe, expect, test } from 'vitest';
import { SuppositionError, whatIf } from '../../src/planning/what-if.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { VersionError } from '../../src/version/version.ts';
import { fleet } from './support.ts';

const facts = fleet({
  servers: ['4.14.0', '4.14.1', 'unknown down'],
  level: 28,
  sessions: { '4.12.0 batch 10.0.3.7': 3, '4.13.0 web 10.0.3.8': 2, '4.14.0 web 10.0.3.8': 1 },
  seen: ['4.13.1 nightly 10.0.3.9', '4.14.0 web 10.0.3.8'],
});

const refused = (answer: ReturnType<typeof whatIf>) =>
  answer.refused.map(({ line, sessions, seen, rule }) => [line, sessions, seen, rule]);

describe('what if', () => {
  test('[M2] all servers go: sessions and recent clients that fall out of the window', () => {
    const answer = whatIf(facts, { servers: '4.16.0' });
    expect(refused(answer)).toEqual([
      ['4.12', 3, 0, 'M2'],
      ['4.13', 2, 1, 'M2'],
    ]);
    expect(answer.permitted).toEqual({ sessions: 1, seen: 0 });
    expect(answer.servers.map(({ version }) => version)).toEqual(['4.16.0', '4.16.0', '4.16.0']);
    expect(answer.sentence).toBe(
      'With every server on 4.16.0, 3 sessions of 4.12 fall out of the window (client batch from 10.0.3.7); 2 sessions of 4.13 and 1 client of 4.13 seen in the last hour fall out of the window (client web from 10.0.3.8, client nightly from 10.0.3.9); 1 session and 0 clients of the last hour without one would be admitted.',
    );
  });

  test('one server goes, and the others stay', () => {
    const answer = whatIf(facts, { server: { rs2: '4.15.0' } });
    expect(refused(answer)).toEqual([['4.12', 3, 0, 'M2']]);
    expect(answer.servers.map(({ version }) => version)).toEqual(['4.14.0', '4.15.0', null]);
  });

  test('[M3] servers go back to a release that is older than the tables: nobody is served', () => {
    const answer = whatIf(facts, { servers: '4.13.0' });
    expect(answer.permitted).toEqual({ sessions: 0, seen: 0 });
    expect(answer.refused.map(({ line, code }) => [line, code])).toEqual([
      ['4.12', 'SERVER_BEHIND_TABLES'],
      ['4.13', 'SERVER_BEHIND_TABLES'],
      ['4.14', 'SERVER_OUTDATED'],
    ]);
  });

  test('tables of which nobody says where they are count as those of the oldest server, as for a gate', () => {
    const unrecorded = fleet({ servers: ['4.14.0'], sessions: { '4.13.0': 1 } });
    expect(whatIf(unrecorded, { servers: '4.13.0' }).refused).toEqual([]);
    const recorded = { ...unrecorded, level: 28 };
    expect(whatIf(recorded, { servers: '4.13.0' }).refused).toMatchObject([{ code: 'SERVER_BEHIND_TABLES' }]);
  });

  test('another policy', () => {
    const answer = whatIf(facts, { policy: { ...PRESETS.phoenix, name: 'strict', window: 0 } });
    expect(refused(answer)).toEqual([
      ['4.12', 3, 0, 'M2'],
      ['4.13', 2, 1, 'M2'],
    ]);
    expect(answer.policy).toBe('strict');
    expect(answer.sentence).toMatch(/^With the policy strict, 3 sessions of 4\.12/);
  });

  test('nobody would be refused', () => {
    expect(whatIf(facts, { servers: '4.14.9' }).sentence).toBe(
      'With every server on 4.14.9, nobody would be refused: 6 sessions and 1 client of the last hour without one would be admitted.',
    );
  });

  test('who is refused already is marked', () => {
    const late = fleet({ servers: ['4.15.0'], level: 29, sessions: { '4.12.0 batch': 1, '4.13.0': 1 } });
    const answer = whatIf(late, { servers: '4.16.0' });
    expect(answer.refused.map(({ line, already }) => [line, already])).toEqual([
      ['4.12', true],
      ['4.13', false],
    ]);
    expect(answer.sentence).toContain('(client batch from 10.0.3.7); 1 session of 4.13');
  });

  test('does not take a server that is not there, nor a version that is none', () => {
    expect(() => whatIf(facts, { server: { rs9: '4.15.0' } })).toThrow(SuppositionError);
    expect(() => whatIf(facts, { server: { rs9: '4.15.0' } })).toThrow(
      'rs9 is none of the servers: rs1, rs2 and rs3',
    );
    expect(() => whatIf(facts, { servers: '4.15' })).toThrow(VersionError);
  });

  test('leaves the facts as they are', () => {
    const before = structuredClone(facts);
    whatIf(facts, { servers: '4.16.0', server: { rs1: '4.15.0' } });
    expect(facts).toEqual(before);
  });
});
