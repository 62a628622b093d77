/** Random fleets: what `next` says is what policy does once everybody has moved as told. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Blocker, Next, Refused } from '../../src/planning/answers.ts';
import type { FleetFacts, FleetServer, UpgradeFacts } from '../../src/planning/facts.ts';
import { nextStep } from '../../src/planning/next.ts';
import { decide } from '../../src/policy/decide.ts';
import { linesBetween } from '../../src/policy/lines.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { hasSystemTables, type Policy, type SkewPolicy, type UpgradeState } from '../../src/policy/types.ts';
import { extendCatalogue, levelOf } from '../../src/version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import {
  compareMinors,
  compareVersions,
  firstOf,
  type Minor,
  parseMinor,
  parseVersion,
  printMinor,
  printVersion,
  tryParseVersion,
  type Version,
} from '../../src/version/version.ts';
import { fleet, gate, NOW } from './support.ts';

const LINES = linesBetween(PHOENIX_CATALOGUE, parseMinor('4.0'), parseMinor('5.4'));

/** Phoenix's rules with a major that says what it demands, and a release where every upgrade stops. */
const house: SkewPolicy = {
  ...PRESETS.phoenix,
  catalogue: extendCatalogue(PHOENIX_CATALOGUE, [
    { version: parseVersion('4.9.0'), level: 20, mustStop: true },
    { version: parseVersion('5.0.0'), level: 28, major: { downtime: true } },
  ]),
};
const POLICIES: readonly Policy[] = [
  PRESETS.phoenix,
  house,
  PRESETS['phoenix-as-coded'],
  PRESETS.kubernetes,
  { ...house, autoUpgrade: false },
];

/** Versions of neighbouring lines. */
const versions = (around: number): fc.Arbitrary<string> =>
  fc
    .record({ by: fc.integer({ min: -4, max: 1 }), patch: fc.nat({ max: 2 }) })
    .map(({ by, patch }) =>
      printVersion({ ...firstOf(LINES[Math.max(0, around + by)] ?? (LINES.at(-1) as Minor)), patch }),
    );

const rarely = <T>(value: T) => fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.constant(value));

const upgrades = fc.record({
  block: rarely({ by: 'ann', reason: 'backup', until: null }),
  failure: rarely({ error: 'status 3', attempts: 1, retryAt: null }),
  approval: fc.record({ needed: fc.boolean(), given: fc.boolean() }),
  holder: rarely('gate-9'),
});

/** Servers in the middle of a roll, some of them down, leaving or unknown. */
const mixed = (around: number) =>
  fc.array(
    fc
      .tuple(
        fc.oneof({ weight: 6, arbitrary: versions(around) }, fc.constant('unknown')),
        fc.constantFrom('', '', '', '', ' down', ' draining'),
      )
      .map((parts) => parts.join('')),
    { minLength: 1, maxLength: 5 },
  );

/** Servers that are all on one release, and in one state. */
const uniform = (around: number) =>
  fc
    .tuple(versions(around), fc.constantFrom('', '', '', ' draining'), fc.integer({ min: 1, max: 3 }))
    .map(([version, state, count]) => Array.from({ length: count }, () => version + state));

const fleets: fc.Arbitrary<FleetFacts> = fc.nat({ max: LINES.length - 1 }).chain((around) =>
  fc
    .record({
      policy: fc.constantFrom(...POLICIES),
      servers: fc.oneof(mixed(around), uniform(around)),
      tables: fc.option(fc.nat({ max: 3 })),
      sessions: fc.array(versions(around), { maxLength: 8 }),
      seen: fc.array(
        versions(around).map((version) => `${version} job`),
        { maxLength: 3 },
      ),
      upgrade: upgrades,
      hash: fc.constantFrom('a1b2c3d4e5f6', 'a1b2c3d4e5f6', 'ffff'),
      elsewhere: fc.array(versions(around), { maxLength: 2 }),
      program: fc.constantFrom('0.1.0', '0.1.0', '0.2.0'),
    })
    .map(({ tables, sessions, elsewhere, hash, program, upgrade, ...more }) => {
      const behind = LINES[Math.max(0, around - (tables ?? 0))] as Minor;
      return withState(
        fleet({
          ...more,
          upgrade,
          sessions: Object.fromEntries(sessions.map((version) => [version, 2])),
          ...(tables !== null && { level: levelOf(PHOENIX_CATALOGUE, firstOf(behind)) }),
          gates: [
            gate('g1', { isSelf: true }),
            gate('g2', { policyHash: hash, program, sessions: linesOf(elsewhere) }),
          ],
        }),
      );
    }),
);

/** Three sessions of each line. */
function linesOf(texts: readonly string[]): Record<string, number> {
  return Object.fromEntries(texts.map((text) => [printMinor(parseVersion(text)), 3]));
}

/** The upgrade's state, as a ledger would show it: what runs first hides the rest. */
function withState(facts: FleetFacts): FleetFacts {
  const { block, failure, approval } = facts.upgrade;
  const state: UpgradeState =
    block !== null
      ? { state: 'blocked', reason: block.reason, until: block.until }
      : failure !== null
        ? { state: 'failed', error: failure.error, retryAt: failure.retryAt }
        : approval.needed && !approval.given
          ? { state: 'waiting', for: 'an approval', missing: { kind: 'approval' } }
          : { state: 'idle', approved: approval.given };
  return { ...facts, upgrade: { ...facts.upgrade, state } };
}

/** The fleet once everybody has moved as told; it throws where nobody could. */
function obey(facts: FleetFacts, blockers: readonly Blocker[]): FleetFacts {
  return withState(blockers.reduce(obeyOne, facts));
}

function obeyOne(facts: FleetFacts, { kind, who, move, message }: Blocker): FleetFacts {
  const upgrade = (more: Partial<UpgradeFacts>) => ({ ...facts, upgrade: { ...facts.upgrade, ...more } });
  switch (kind) {
    case 'server-behind':
    case 'server-down':
    case 'server-unknown':
    case 'server-draining':
      return {
        ...facts,
        servers: facts.servers.map((one) => (who.includes(one.id) ? upOn(one, move?.to as string) : one)),
      };
    case 'sessions-outside':
      return {
        ...facts,
        sessions: facts.sessions.filter(({ client }) => !who.includes(client)),
        gates: facts.gates.map(({ sessions = {}, ...one }) => ({
          ...one,
          sessions: Object.fromEntries(Object.entries(sessions).filter(([line]) => !who.includes(line))),
        })),
      };
    case 'upgrade-blocked':
      return upgrade({ block: null });
    case 'upgrade-failed':
      return upgrade({ failure: null });
    case 'approval-missing':
      return upgrade({ approval: { ...facts.upgrade.approval, given: true } });
    case 'lease-lapsed':
      return upgrade({ holder: null });
    case 'gates-policy':
    case 'gates-program':
      return {
        ...facts,
        gates: facts.gates.map(({ id, isSelf, sessions }) => gate(id, { isSelf, sessions })),
      };
    default:
      throw new Error(`nobody can do anything about ${kind}: ${message}`);
  }
}

function upOn(server: FleetServer, to: string): FleetServer {
  const version = tryParseVersion(to) ?? firstOf(parseMinor(to));
  const keeps = server.version !== null && printMinor(server.version) === to;
  return { ...server, state: 'up', lastError: null, version: keeps ? server.version : version };
}

/** What policy says of each session once the step is taken: by line and rule, how many it refuses. */
function refusedAfter(facts: FleetFacts): Record<string, number> {
  const { policy, servers } = facts;
  const oldest = servers
    .map(({ version }) => version as Version)
    .reduce((a, b) => (levelOf(PHOENIX_CATALOGUE, b) < levelOf(PHOENIX_CATALOGUE, a) ? b : a));
  const level = hasSystemTables(policy)
    ? Math.max(facts.level ?? 0, levelOf(policy.catalogue, oldest))
    : facts.level;
  const cluster = {
    servers: servers.map(({ id, version, state }) => ({ id, version, state })),
    level,
    upgrade: { state: 'idle', approved: true },
  } as const;
  const counts: Record<string, number> = {};
  const clients = [
    ...facts.sessions.map(({ client }) => ({ client, sessions: 1 })),
    ...facts.gates.flatMap((one) =>
      Object.entries(one.sessions ?? {}).map(([line, sessions]) => ({ client: `${line}.0`, sessions })),
    ),
  ];
  for (const { client, sessions } of clients) {
    const version = parseVersion(client);
    const { verdict, rule } = decide({ version, upgrade: 'may' }, cluster, policy, NOW);
    const key = `${printMinor(version)} ${rule}`;
    if (verdict === 'refuse') counts[key] = (counts[key] ?? 0) + sessions;
  }
  return counts;
}

const told = (refuses: readonly Refused[]) =>
  Object.fromEntries(
    refuses
      .filter(({ temporary }) => !temporary)
      .map(({ line, rule, sessions }) => [`${line} ${rule}`, sessions]),
  );

const isPossible = ({ blockers }: Next) =>
  !blockers.some(({ kind }) => kind === 'catalogue' || kind === 'not-ahead');

/** A line so many lines ahead of the newest server. */
function targetOf({ servers }: FleetFacts, ahead: number): Minor {
  const newest =
    servers
      .flatMap(({ version }) => version ?? [])
      .toSorted(compareVersions)
      .at(-1) ?? firstOf(LINES[0] as Minor);
  const at = LINES.findIndex((line) => compareMinors(line, newest) === 0);
  return LINES[Math.min(at + ahead, LINES.length - 1)] as Minor;
}

describe('any fleet', () => {
  test('once everybody has moved as told, nothing is in the way; and the step refuses exactly whom it said', () => {
    const seen = { kinds: new Set<string>(), refused: 0, ready: 0, upgrades: 0 };
    fc.assert(
      fc.property(fleets, (facts) => {
        const next = nextStep(facts);
        fc.pre(next.to !== null && isPossible(next));
        for (const { kind } of next.blockers) seen.kinds.add(kind);
        const others = next.blockers.filter(({ kind }) => kind !== 'sessions-outside');
        expect(refusedAfter(obey(facts, others))).toEqual(told(next.refuses));
        const after = nextStep(obey(facts, next.blockers), next.to as string);
        expect(after.blockers).toEqual([]);
        expect(after.ready).toBe(true);
        expect(told(after.refuses)).toEqual({});
        seen.refused += Object.keys(told(next.refuses)).length;
        if (next.ready) seen.ready++;
        if (next.upgrade !== null) seen.upgrades++;
      }),
      { numRuns: 600 },
    );
    expect([...seen.kinds].sort()).toEqual([
      ...['approval-missing', 'gates-policy', 'gates-program', 'lease-lapsed', 'server-behind'],
      ...['server-down', 'server-draining', 'server-unknown', 'sessions-outside', 'upgrade-blocked'],
      'upgrade-failed',
    ]);
    expect(seen.refused).toBeGreaterThan(100);
    expect(seen.upgrades).toBeGreaterThan(100);
    expect(seen.ready).toBeGreaterThan(0);
  }, 60_000);

  test('going on step by step reaches a target, and refuses on the way exactly those that the way named', () => {
    let reached = 0;
    fc.assert(
      fc.property(fleets, fc.nat({ max: 4 }), (facts, ahead) => {
        const target = printMinor(targetOf(facts, ahead));
        const way = nextStep(facts, target);
        fc.pre(isPossible(way));
        let at = facts;
        const refused: Record<string, number> = {};
        for (let rounds = 0; rounds < 60; rounds++) {
          const next = nextStep(at, target);
          if (next.path?.length === 0) break;
          const [step] = next.path ?? [];
          if (step === undefined || !isPossible(next)) throw new Error(next.sentence);
          Object.assign(refused, told(step.refuses));
          at = obey(at, step.blockers);
          if (step.upgrade !== null)
            at = {
              ...at,
              level: step.upgrade.toLevel,
              upgrade: { ...at.upgrade, approval: { ...at.upgrade.approval, given: false } },
            };
        }
        expect(nextStep(withState(at), target).path).toEqual([]);
        expect(refused).toEqual(told(way.refuses));
        reached++;
      }),
      { numRuns: 200 },
    );
    expect(reached).toBeGreaterThan(50);
  }, 60_000);
});
