/** The other presets, and policies that a config states. */
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { hashPolicy, policyOf } from '../../src/config/policy.ts';
import { decide } from '../../src/policy/decide.ts';
import { PRESET_NAMES, PRESETS } from '../../src/policy/presets.ts';
import type { ClientFacts, Policy, ServerFacts } from '../../src/policy/types.ts';
import { client, cluster, judged, server } from '../support/facts.ts';

/** The policy of a config that says nothing else of interest. */
function stated(yaml: string): Policy {
  const rest = 'listen: [{ tcp: "127.0.0.1:0" }]\nservers: [{ id: a, address: "tcp://127.0.0.1:1" }]\n';
  return policyOf(parseConfig(rest + yaml));
}

const codes = (versions: readonly string[], servers: readonly string[], policy: Policy) =>
  Object.fromEntries(versions.map((version) => [version, judged(version, servers, { policy }).code]));

test('the presets that ship', () => {
  expect(PRESET_NAMES).toEqual(['phoenix', 'phoenix-as-coded', 'kubernetes', 'ranges', 'custom']);
  for (const name of PRESET_NAMES) expect(PRESETS[name].name).toBe(name);
});

describe('kubernetes', () => {
  const policy = PRESETS.kubernetes;

  test('[M1] never newer than the oldest API server', () => {
    expect(judged('1.31.0', ['1.31.0', '1.30.4'], { policy })).toMatchObject({
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      rule: 'M1',
      move: { side: 'server', to: '1.31', who: ['s2'] },
    });
  });

  test('[M2] at most three minors older than the newest', () => {
    expect(codes(['1.31.0', '1.30.0', '1.29.0', '1.28.9', '1.27.9'], ['1.31.0'], policy)).toEqual({
      '1.31.0': 'PERMITTED',
      '1.30.0': 'PERMITTED',
      '1.29.0': 'PERMITTED',
      '1.28.9': 'PERMITTED',
      '1.27.9': 'CLIENT_OUTDATED',
    });
    expect(judged('1.27.9', ['1.31.0', '1.30.0'], { policy }).move).toEqual({
      side: 'client',
      to: '1.28',
      who: ['1.27.9'],
    });
  });

  test('[M3] knows no system tables: nothing is ever upgraded, no server is behind', () => {
    for (const level of [0, 3, 1_000])
      expect(judged('4.15.0', ['4.15.0'], { policy, level }).verdict).toBe('permit');
    expect(judged('4.1.0', ['4.2.0'], { policy, level: 4 }).verdict).toBe('permit');
  });

  test('[J1] has no exception for an older major', () => {
    expect(judged('4.16.0', ['5.1.0'], { policy }).code).toBe('MAJOR_MISMATCH');
  });
});

describe('phoenix-as-coded', () => {
  const policy = PRESETS['phoenix-as-coded'];

  test('[M2] has no lower bound inside a major', () => {
    expect(judged('4.0.0', ['4.20.0'], { policy }).verdict).toBe('permit');
  });

  test('[M1] asks only one server', () => {
    expect(judged('4.15.0', ['4.12.0', '4.15.0'], { policy }).verdict).toBe('permit');
  });

  test('[M4] knows no lockstep, and lets servers serve newer tables', () => {
    expect(judged('4.1.0', ['4.2.0'], { policy, level: 4 }).verdict).toBe('permit');
    expect(judged('4.14.0', ['4.14.0'], { policy, level: 29 }).verdict).toBe('permit');
  });

  test('[M3] upgrades the tables, unless the client must not', () => {
    expect(judged('4.15.0', ['4.15.0'], { policy, level: 28 }).verdict).toBe('migrate');
    expect(judged('4.15.0', ['4.15.0'], { policy, level: 28, mustNot: true })).toMatchObject({
      code: 'UPGRADE_REQUIRED',
      vendorCode: 2011,
      sqlState: 'INT13',
    });
  });
});

describe('ranges', () => {
  const speaks = (min: number, max: number) => ({ protocol: { min, max } });
  const asked = (facts: Partial<ClientFacts>, servers: readonly Partial<ServerFacts>[]) => {
    const set = servers.map((more, at) => ({ ...server(`s${at + 1}`, '1.0.0'), ...more }));
    return decide(client('1.0.0', facts), { ...cluster([]), servers: set }, PRESETS.ranges);
  };

  test.each([
    [speaks(3, 5), speaks(5, 9)],
    [speaks(5, 9), speaks(3, 5)],
    [speaks(4, 4), speaks(4, 4)],
    [speaks(1, 9), speaks(4, 5)],
  ])('client %j and server %j overlap', (mine, theirs) => {
    expect(asked(mine, [theirs])).toMatchObject({ verdict: 'permit', code: 'PERMITTED', rule: 'ranges' });
  });

  test('a server that ends below the client has to move to where the client begins', () => {
    expect(asked(speaks(4, 6), [speaks(4, 4), speaks(1, 3), speaks(2, 2)])).toMatchObject({
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      rule: 'ranges',
      move: { side: 'server', to: 'protocol 4', who: ['s2', 's3'] },
      retry: 'after-change',
    });
  });

  test('a client that ends below the servers has to move to where all of them are reached', () => {
    expect(asked(speaks(1, 3), [speaks(4, 8), speaks(5, 9), speaks(1, 9)])).toMatchObject({
      verdict: 'refuse',
      code: 'CLIENT_OUTDATED',
      rule: 'ranges',
      move: { side: 'client', to: 'protocol 5', who: ['1.0.0'] },
    });
  });

  test('a side that states no range is refused, not guessed', () => {
    expect(asked({}, [speaks(1, 9)])).toMatchObject({
      verdict: 'refuse',
      code: 'VERSION_UNKNOWN',
      move: { side: 'client', who: ['1.0.0'] },
    });
    const silent = asked(speaks(1, 9), [speaks(1, 9), {}]);
    expect(silent).toMatchObject({ verdict: 'refuse', code: 'VERSION_UNKNOWN' });
    expect(silent.message).toContain('s2');
  });

  test('versions do not count, nor do levels', () => {
    const facts = { ...server('s1', '5.4.0'), ...speaks(1, 2) };
    const decision = decide(
      client('1.0.0', speaks(2, 3)),
      { ...cluster([], { level: 3 }), servers: [facts] },
      PRESETS.ranges,
    );
    expect(decision).toMatchObject({ verdict: 'permit', notes: [] });
  });

  test('[N1] a server that is down still counts, and is waited for', () => {
    expect(asked(speaks(1, 1), [speaks(1, 1), { ...speaks(2, 2), state: 'down' }]).code).toBe(
      'CLIENT_OUTDATED',
    );
    expect(asked(speaks(1, 1), [{ ...speaks(1, 1), state: 'down' }])).toMatchObject({
      verdict: 'hold',
      code: 'NO_SERVER',
    });
  });

  test('with scope server one that overlaps is enough', () => {
    const policy = stated('policy: { preset: ranges, scope: server }');
    const servers = [speaks(1, 1), speaks(2, 2)].map((more, at) => ({
      ...server(`s${at}`, '1.0.0'),
      ...more,
    }));
    const facts = { ...cluster([]), servers };
    expect(decide(client('1.0.0', speaks(2, 2)), facts, policy).verdict).toBe('permit');
    expect(decide(client('1.0.0', speaks(2, 2)), facts, PRESETS.ranges).verdict).toBe('refuse');
  });
});

describe('a policy from a config', () => {
  test('without a word about it is phoenix', () => {
    expect(stated('')).toEqual(PRESETS.phoenix);
  });

  test('[M2] window: another width, or none', () => {
    const narrow = stated('policy: { preset: custom, window: 0 }');
    expect(codes(['4.14.5', '4.13.0'], ['4.14.0'], narrow)).toEqual({
      '4.14.5': 'PERMITTED',
      '4.13.0': 'CLIENT_OUTDATED',
    });
    const wide = stated('policy: { preset: custom, window: null }');
    expect(judged('4.0.0', ['4.16.0'], { policy: wide, level: 33 }).verdict).toBe('permit');
  });

  test('[M2] window of one release line', () => {
    const policy = stated('catalogue: { releases: [{ version: 4.15.0, level: 29, window: 4 }] }');
    expect(codes(['4.11.0', '4.10.0'], ['4.15.0'], policy)).toEqual({
      '4.11.0': 'PERMITTED',
      '4.10.0': 'CLIENT_OUTDATED',
    });
    expect(codes(['4.11.0'], ['4.14.0'], policy)).toEqual({ '4.11.0': 'CLIENT_OUTDATED' });
  });

  test('[M1] scope server', () => {
    const policy = stated('policy: { preset: phoenix, scope: server }');
    expect(judged('4.15.0', ['4.12.0', '4.15.0'], { policy }).verdict).toBe('permit');
  });

  test('[J1] exceptions for older majors', () => {
    const policy = stated('catalogue: { releases: [{ version: 6.0.0, accepts: ["5.4", "5.3"] }] }');
    expect(codes(['5.4.1', '5.3.0', '5.2.0'], ['6.0.0'], policy)).toEqual({
      '5.4.1': 'PERMITTED',
      '5.3.0': 'PERMITTED',
      '5.2.0': 'MAJOR_MISMATCH',
    });
  });

  test('[J1] between two majors, a line of a third may be the only one that fits', () => {
    const policy = stated('catalogue: { releases: [{ version: 6.0.0, accepts: ["4.16"] }] }');
    expect(judged('4.15.0', ['5.1.0', '6.0.0'], { policy })).toMatchObject({
      code: 'MAJOR_MISMATCH',
      move: { side: 'client', to: '4.16', who: ['4.15.0'] },
    });
    expect(judged('4.16.0', ['5.1.0', '6.0.0'], { policy, level: 33 }).verdict).toBe('permit');
  });

  test('[M4] lockstep of one release, and below a release', () => {
    const line = stated('catalogue: { releases: [{ version: 4.15.0, level: 29, lockstep: true }] }');
    expect(judged('4.14.0', ['4.15.0'], { policy: line })).toMatchObject({
      code: 'LOCKSTEP',
      move: { side: 'client', to: '4.15' },
    });
    expect(judged('4.14.0', ['4.16.0'], { policy: line }).verdict).toBe('permit');
    const below = stated('catalogue: { lockstepBelow: 4.15.0 }');
    expect(judged('4.13.0', ['4.14.0'], { policy: below }).code).toBe('LOCKSTEP');
    expect(judged('4.14.0', ['4.15.0'], { policy: below }).verdict).toBe('permit');
    const off = stated('policy: { preset: custom, lockstep: false }');
    expect(judged('4.1.0', ['4.2.0'], { policy: off }).verdict).toBe('permit');
  });

  test('[M4] names every line that shares the level of the tables, since the level does not tell them apart', () => {
    const policy = stated('catalogue: { lockstepBelow: 4.15.0 }');
    const refused = judged('4.10.0', ['4.12.0'], { policy, level: 27 });
    expect(refused).toMatchObject({ code: 'LOCKSTEP', move: { to: '4.11' } });
    expect(refused.message).toContain('already those of 4.11 to 4.13, where');
  });

  test('[M3] a release that the user adds has a level of its own', () => {
    const policy = stated('catalogue: { releases: [{ version: 4.14.5, level: 100 }] }');
    expect(judged('4.14.5', ['4.14.5'], { policy, level: 28 })).toMatchObject({
      verdict: 'migrate',
      code: 'UPGRADE_NEEDED',
    });
    expect(judged('4.14.4', ['4.14.5'], { policy, level: 28 }).verdict).toBe('permit');
  });

  test('[M3] autoUpgrade and systemTables', () => {
    const manual = stated('policy: { preset: phoenix, autoUpgrade: false }');
    expect(judged('4.15.0', ['4.15.0'], { policy: manual, level: 28 }).code).toBe('UPGRADE_REQUIRED');
    const none = stated('policy: { preset: custom, systemTables: false }');
    expect(judged('4.15.0', ['4.15.0'], { policy: none, level: 28 }).verdict).toBe('permit');
  });

  test("a catalogue of the user's own, without Phoenix's", () => {
    const policy = stated(
      'catalogue: { extends: none, releases: [{ version: 1.0.0, level: 1 }, { version: 2.3.0, level: 2 }] }',
    );
    expect(judged('4.16.0', ['5.1.0'], { policy }).code).toBe('MAJOR_MISMATCH');
    expect(judged('2.3.0', ['2.3.0'], { policy, level: 1 }).verdict).toBe('migrate');
    expect(judged('4.1.0', ['4.2.0'], { policy }).verdict).toBe('permit');
  });

  test('its hash tells policies apart that decide otherwise, and only those', () => {
    const hash = hashPolicy(stated(''));
    expect(hash).toMatch(/^[0-9a-f]{12}$/);
    expect(hashPolicy(stated('policy: { preset: phoenix }'))).toBe(hash);
    const others = [
      'policy: { window: 3 }',
      'policy: { scope: server }',
      'policy: { preset: kubernetes }',
      'catalogue: { releases: [{ version: 4.14.5, level: 100 }] }',
    ].map((yaml) => hashPolicy(stated(yaml)));
    expect(new Set([hash, ...others]).size).toBe(5);
  });
});
