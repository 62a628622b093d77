/**
 * Verdicts for servers that never change are kept, and rules look at kinds of servers. Held to the plain way, which is
 * the same rules with every server a kind of its own and nothing kept: whatever is asked, in whatever order.
 */
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/policy/decide.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { freezeServers, Roster } from '../../src/policy/roster.ts';
import type {
  ClientFacts,
  ClusterFacts,
  Decision,
  Policy,
  ServerFacts,
  UpgradeState,
} from '../../src/policy/types.ts';
import { createCatalogue } from '../../src/version/catalogue.ts';
import { parseMinor, parseVersion } from '../../src/version/version.ts';

const VERSIONS = [
  '4.1.0',
  '4.2.0',
  '4.2.1',
  '4.3.0',
  '4.13.1',
  '4.14.0',
  '4.14.1',
  '4.15.0',
  '4.16.0',
  '5.1.0',
];
const LEVELS = [null, 4, 5, 7, 27, 28, 29, 99];
const NOW = 1_000;

const catalogue = createCatalogue([
  { version: parseVersion('4.13.0'), level: 27, notes: 'the last of its kind', window: 1 },
  { version: parseVersion('4.14.0'), level: 28, link: 'https://example.test/4.14', lockstep: true },
  { version: parseVersion('5.1.0'), level: 29, accepts: [parseMinor('4.16')], notes: 'a new major' },
]);
const POLICIES: readonly Policy[] = [
  ...Object.values(PRESETS),
  { ...PRESETS.custom, catalogue, window: 3 },
  { ...PRESETS.custom, scope: 'server', autoUpgrade: false },
  { ...PRESETS.ranges, scope: 'server' },
];

const version = fc
  .tuple(fc.constantFrom(...VERSIONS), fc.constantFrom('', '', '-HBase-1.4', '-cdh5'))
  .map(([release, qualifier]) => parseVersion(release + qualifier));
const protocol = fc
  .tuple(fc.nat({ max: 3 }), fc.nat({ max: 2 }))
  .map(([min, more]) => ({ min, max: min + more }));
const client: fc.Arbitrary<ClientFacts> = fc.record(
  { version, upgrade: fc.constantFrom('may', 'must-not'), protocol },
  { requiredKeys: ['version', 'upgrade'] },
);
const serverFacts: fc.Arbitrary<Omit<ServerFacts, 'id'>> = fc.record(
  {
    version: fc.option(version, { freq: 8 }),
    state: fc.constantFrom('up', 'up', 'draining', 'down'),
    level: fc.constantFrom(...LEVELS),
    lastError: fc.constantFrom(null, 'ECONNREFUSED'),
    protocol,
  },
  { requiredKeys: ['version', 'state'] },
);
const at = fc.constantFrom(null, NOW - 0.5, NOW, NOW + 1, NOW + 1.25);
const upgrade: fc.Arbitrary<UpgradeState> = fc.oneof(
  fc.record({ state: fc.constant('idle'), approved: fc.boolean() }),
  fc.record({
    state: fc.constant('waiting'),
    for: fc.constantFrom('its window', 'somebody'),
    missing: fc.constantFrom(
      { kind: 'approval' },
      { kind: 'window', opensAt: NOW + 500 },
      { kind: 'window', opensAt: NOW - 500 },
      { kind: 'clients', more: 2 },
      { kind: 'canary', name: 'first' },
    ),
  }),
  fc.record({ state: fc.constant('running'), downtime: fc.boolean(), holdAll: fc.boolean() }),
  fc.record({ state: fc.constant('blocked'), reason: fc.constantFrom('audit', 'night'), until: at }),
  fc.record({ state: fc.constant('failed'), error: fc.constant('no space'), retryAt: at }),
  fc.record({ state: fc.constant('unavailable'), why: fc.constant('ECONNRESET'), stale: fc.boolean() }),
) as fc.Arbitrary<UpgradeState>;

/** One question, asked after one server became another one. */
const turn = fc.record({
  change: fc.tuple(fc.nat({ max: 11 }), serverFacts),
  clients: fc.array(client, { minLength: 1, maxLength: 3 }),
  level: fc.constantFrom(...LEVELS),
  reached: fc.constantFrom(null, ...LEVELS),
  upgrade,
  policy: fc.constantFrom(...POLICIES),
  now: fc.constantFrom(0, NOW, NOW + 0.75, NOW + 2),
});

const up = (id: string, release: string): ServerFacts => ({
  id,
  version: parseVersion(release),
  state: 'up',
});
const mayUpgrade = (release: string): ClientFacts => ({ version: parseVersion(release), upgrade: 'may' });
const idle = { level: 28, upgrade: { state: 'idle' } } as const;

describe('a verdict that is kept', () => {
  test('is the plain one, word for word, through any history of a cluster', () => {
    const codes = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(serverFacts, { minLength: 1, maxLength: 12 }),
        fc.array(turn, { minLength: 1, maxLength: 6 }),
        (start, turns) => {
          const servers: ServerFacts[] = start.map((facts, index) => ({ id: `s${index + 1}`, ...facts }));
          const roster = new Roster(servers);
          const asked: { kept: Decision; plain: string }[] = [];
          for (const { change, clients, policy, now, ...shared } of turns) {
            const index = change[0] % servers.length;
            const facts: ServerFacts = { id: `s${index + 1}`, ...change[1] };
            servers[index] = facts;
            roster.update(index, facts);
            for (const one of [...clients, ...clients]) {
              const kept = decide(one, { servers: roster.servers, ...structuredClone(shared) }, policy, now);
              const plain = decide(one, { servers, ...shared }, policy, now);
              codes.add(plain.code);
              expect(kept).toEqual(plain);
              asked.push({ kept, plain: JSON.stringify(plain) });
            }
          }
          for (const { kept, plain } of asked) expect(JSON.stringify(kept)).toBe(plain);
        },
      ),
      { numRuns: 300 },
    );
    expect(codes.size).toBeGreaterThan(12);
  });

  test('is given out again for the same release, level and upgrade, and made anew for another', () => {
    const servers = freezeServers([up('rs1', '4.14.0')]);
    const ask = (release: string, cluster: Partial<ClusterFacts> = {}) =>
      decide(mayUpgrade(release), { servers, ...idle, ...cluster }, PRESETS.phoenix);
    const first = ask('4.13.0');
    expect(ask('4.13.0')).toBe(first);
    expect(ask('4.13.0', { upgrade: { state: 'idle' } })).toBe(first);
    for (const other of [ask('4.13.1'), ask('4.13.0', { level: 27 }), ask('4.13.0-cdh5')])
      expect(other).not.toBe(first);
    expect(decide(mayUpgrade('4.13.0'), { servers, ...idle }, PRESETS.kubernetes)).not.toBe(first);
  });

  test('is forgotten when clients come under ever more versions: what a stranger says does not fill the memory', () => {
    const servers = freezeServers([up('rs1', '4.14.0')]);
    const ask = (release: string) => decide(mayUpgrade(release), { servers, ...idle }, PRESETS.phoenix);
    const first = ask('4.14.0');
    for (let patch = 1; patch < 100; patch++) ask(`4.14.${patch}`);
    expect(ask('4.14.0')).toBe(first);
    for (let patch = 1; patch < 1_000; patch++) ask(`4.14.${patch}-${patch}`);
    expect(ask('4.14.0')).not.toBe(first);
    expect(ask('4.14.0')).toEqual(first);
  });

  test('shares its list of servers with those of other releases: strangers under ever new versions do not walk the cluster', () => {
    const servers = freezeServers([up('rs1', '4.14.0'), up('rs2', '4.16.0'), up('rs3', '4.14.1')]);
    const ask = (release: string) => decide(mayUpgrade(release), { servers, ...idle }, PRESETS.phoenix);
    expect(ask('4.15.0').move?.who).toEqual(['rs1', 'rs3']);
    expect(ask('4.15.1').move?.who).toBe(ask('4.15.0').move?.who);
    expect(ask('4.17.0').move?.who).toEqual(['rs1', 'rs2', 'rs3']);
  });

  test('ends with the block that it came from, and says how long that lasts each time', () => {
    const servers = freezeServers([up('rs1', '4.15.0')]);
    const upgrade: UpgradeState = { state: 'blocked', reason: 'audit', until: 5_000 };
    const ask = (now: number) =>
      decide(mayUpgrade('4.15.0'), { servers, level: 28, upgrade }, PRESETS.phoenix, now);
    expect([1_000, 2_000.5, 4_999].map((now) => ask(now).retryAfterMs)).toEqual([4_000, 3_000, 1]);
    expect([4_999, 5_000, 4_999].map((now) => ask(now).code)).toEqual([
      'UPGRADE_BLOCKED',
      'UPGRADE_NEEDED',
      'UPGRADE_BLOCKED',
    ]);
  });
});

describe('a decision that is read late', () => {
  test.each([
    ['of a list that may change', (servers: ServerFacts[]) => servers],
    ['of a list that is frozen', freezeServers],
  ])('%s, says what was true when it was made', (_, take) => {
    const servers = [up('rs1', '4.13.0'), up('rs2', '4.14.0')];
    const early = JSON.stringify(
      decide(mayUpgrade('4.14.0'), { servers: take(servers), ...idle }, PRESETS.phoenix),
    );
    const client = { ...mayUpgrade('4.14.0') };
    const late = decide(client, { servers: take(servers), ...idle }, PRESETS.phoenix);
    servers[0] = up('rs1', '4.14.0');
    servers.push(up('rs3', '3.0.0'));
    client.version = parseVersion('5.0.0');
    expect(late.message).toContain('rs1 (4.13.0)');
    expect(JSON.stringify(late)).toBe(early);
  });
});

test('a decision shows its texts to who prints it, also one that is kept', () => {
  const servers = freezeServers([up('rs1', '4.14.0')]);
  const decision = decide(mayUpgrade('4.15.0'), { servers, ...idle }, PRESETS.phoenix);
  expect(inspect(decision)).toContain('Client 4.15.0 is newer than rs1 (4.14.0)');
  expect(inspect(decision)).not.toContain('Getter');
  expect({ ...decision }).toStrictEqual(
    decide(mayUpgrade('4.15.0'), { servers: [up('rs1', '4.14.0')], ...idle }, PRESETS.phoenix),
  );
});

describe('a roster', () => {
  test('lists the same servers, as the very same array, until something that is known of one changes', () => {
    const roster = new Roster([up('rs1', '4.14.0'), up('rs2', '4.14.0')]);
    const before = roster.servers;
    roster.update(1, { ...up('rs2', '4.14.0'), level: null, lastError: null });
    expect(roster.servers).toBe(before);
    roster.update(1, up('rs2', '4.14.1'));
    expect(roster.servers).not.toBe(before);
    expect(before.map(({ version }) => version?.patch)).toEqual([0, 0]);
    expect(roster.servers.map(({ version }) => version?.patch)).toEqual([0, 1]);
  });

  test('gives out lists that nobody can change', () => {
    const servers = freezeServers([up('rs1', '4.14.0')]) as ServerFacts[];
    expect(() => servers.push(up('rs2', '4.14.0'))).toThrow(TypeError);
    expect(() => Object.assign(servers[0] as ServerFacts, { state: 'down' })).toThrow(TypeError);
  });
});
