/** A refusal helps: doing what it says, again and again, ends in being admitted. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/policy/decide.ts';
import { linesBetween } from '../../src/policy/lines.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import type { ClientFacts, ClusterFacts, Decision, SkewPolicy } from '../../src/policy/types.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import {
  compareMinors,
  compareVersions,
  firstOf,
  type Minor,
  parseMinor,
  type Version,
} from '../../src/version/version.ts';

const LINES = linesBetween(PHOENIX_CATALOGUE, parseMinor('4.0'), parseMinor('5.4'));
const EARLY = LINES.filter((line) => compareMinors(line, parseMinor('4.4')) < 0);

const versionOf = (lines: readonly Minor[]): fc.Arbitrary<Version> =>
  fc
    .record({ line: fc.constantFrom(...lines), patch: fc.nat({ max: 2 }) })
    .map(({ line, patch }) => ({ ...line, patch, qualifier: '' }));

/** A client and one to five servers; every second fleet is of the days of lockstep. */
const versions = fc
  .constantFrom(LINES, EARLY)
  .chain((lines) => fc.tuple(versionOf(lines), fc.array(versionOf(lines), { minLength: 1, maxLength: 5 })));

interface Fleet {
  readonly client: ClientFacts;
  readonly cluster: ClusterFacts;
}

function fleetOf(client: Version, servers: readonly Version[], level: number | null): Fleet {
  return {
    client: { version: client, upgrade: 'may' },
    cluster: {
      servers: servers.map((one, at) => ({ id: `s${at + 1}`, version: one, state: 'up' })),
      level,
      upgrade: { state: 'idle' },
    },
  };
}

/** The fleet once those named in `move` have moved; it throws where that makes no sense. */
function obey({ client, cluster }: Fleet, { move, message }: Decision): Fleet {
  if (move === null || move.side === 'operator') throw new Error(`nobody is told to move: ${message}`);
  const target = firstOf(parseMinor(move.to));
  if (move.side === 'client') {
    if (compareMinors(target, client.version) <= 0) throw new Error(`the client must move back: ${message}`);
    return { client: { ...client, version: target }, cluster };
  }
  const named = cluster.servers.filter(({ id }) => move.who.includes(id));
  if (named.length === 0 || named.length < move.who.length) throw new Error(`nobody is named: ${message}`);
  if (named.some((server) => compareVersions(target, server.version as Version) <= 0))
    throw new Error(`a server must move back: ${message}`);
  const moved = cluster.servers.map((server) =>
    named.includes(server) ? { ...server, version: target } : server,
  );
  return { client, cluster: { ...cluster, servers: moved } };
}

/** The decisions on the way, the last of which admits. */
function follow(start: Fleet, policy: SkewPolicy): Decision[] {
  const decisions: Decision[] = [];
  for (let fleet = start; decisions.length < 20; ) {
    const decision = decide(fleet.client, fleet.cluster, policy);
    decisions.push(decision);
    if (decision.verdict === 'permit' || decision.verdict === 'migrate') return decisions;
    fleet = obey(fleet, decision);
  }
  throw new Error(`no end: ${decisions.map(({ message }) => message).join(' ')}`);
}

describe('doing what a refusal says ends in being admitted', () => {
  const policies = [PRESETS.phoenix, PRESETS['phoenix-as-coded'], PRESETS.kubernetes];

  test.each(policies.map((policy) => [policy.name, policy] as const))(
    '%s, any client, any servers',
    (_, policy) => {
      const lengths = new Set<number>();
      fc.assert(
        fc.property(versions, ([client, servers]) => {
          lengths.add(follow(fleetOf(client, servers, null), policy).length);
        }),
        { numRuns: 2_000 },
      );
      expect(Math.max(...lengths)).toBeGreaterThan(1);
      expect(Math.max(...lengths)).toBeLessThan(6);
    },
  );

  test('phoenix, with tables that lag behind the servers, or are ahead of them', () => {
    const levels = PHOENIX_CATALOGUE.releases.map(({ level }) => level as number);
    const seen = new Set<string>();
    fc.assert(
      fc.property(versions, fc.constantFrom(...levels), ([client, servers], level) => {
        for (const { code } of follow(fleetOf(client, servers, level), PRESETS.phoenix)) seen.add(code);
      }),
      { numRuns: 3_000 },
    );
    expect([...seen].sort()).toEqual([
      ...['CLIENT_OUTDATED', 'LOCKSTEP', 'MAJOR_MISMATCH', 'PERMITTED', 'SERVER_BEHIND_TABLES'],
      ...['SERVER_OUTDATED', 'UPGRADE_NEEDED'],
    ]);
  });
});
