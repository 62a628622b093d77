/** The rules that compare versions: J1, M1, M2, P1, M4, and M3 for servers older than the tables. */
import {
  highestLevel,
  inLockstep,
  levelOf,
  levelOfLine,
  lineReaching,
  linesAtLevel,
  releaseAt,
  releasesAtLevel,
} from '../version/catalogue.ts';
import { compareMinors, printMinor, printVersion, type Version } from '../version/version.ts';
import { clientTarget, listNames, whoToPoint } from './move.ts';
import { judgePair } from './pair.ts';
import type { ClusterView, RuleInput, RuleResult, Ruling } from './rule.ts';
import type { KnownServer, ServerSet, Traits } from './server-set.ts';
import type { ClientFacts, Move, SkewPolicy } from './types.ts';

type Reported = Pick<ClusterView, 'level' | 'servers'>;

/**
 * The level reported, or that of the oldest server's release; null when neither is known. A level that no release of
 * the catalogue reaches is not believed if one server alone says it.
 */
export function effectiveLevel({ level: reported, servers }: Reported, policy: SkewPolicy): number | null {
  if (reported !== null && !isLoneClaim({ level: reported, servers }, policy)) return reported;
  const others = servers.examples.flatMap(({ level }) => (level == null || level === reported ? [] : level));
  if (others.length > 0) return Math.max(...others);
  const versions = servers.extremes;
  return versions && levelOf(policy.catalogue, versions.oldest);
}

/** The level that the tables have reached, as far as it is believed; null: it is not known. */
export function reachedLevel(
  { servers, level, reached }: Omit<ClusterView, 'upgrade'>,
  policy: SkewPolicy,
): number | null {
  const counted = effectiveLevel({ servers, level }, policy);
  if (reached === level) return counted;
  const believed = effectiveLevel({ servers, level: reached }, policy);
  return counted === null || believed === null ? null : Math.max(counted, believed);
}

/** Servers that say that the tables are at the level of the cluster. */
function claimants({ level: reported, servers }: Reported): ServerSet {
  return servers.filter(({ level }) => level != null && level === reported);
}

/**
 * Whether one server alone says that the tables are at a level which no release of the catalogue reaches. Nobody goes by
 * that: neither a verdict nor the ledger.
 */
export function isLoneClaim(cluster: Reported, { catalogue }: SkewPolicy): boolean {
  return (cluster.level ?? 0) > highestLevel(catalogue) && claimants(cluster).size === 1;
}

/** J1: majors are decided release by release. */
export function majorRule({ client, known, policy }: RuleInput): RuleResult {
  const rule = 'J1';
  const older = known.filter((server) => client.version.major > server.version.major);
  if (!older.isEmpty)
    return {
      rule,
      outcome: 'fail',
      because: () => `the client's major is newer than that of ${whoToPoint(older)}`,
      ruling: serverOutdated(client, belowClient(client, known)),
    };
  const newer = known.filter((server) => client.version.major < server.version.major);
  if (newer.isEmpty) return { rule, outcome: 'pass', because: 'client and servers share one major' };
  const refusing = newer.filter((server) => !judgePair(client.version, server.version, policy).fits);
  if (refusing.isEmpty)
    return {
      rule,
      outcome: 'pass',
      because: () => `${whoToPoint(newer)}: this release accepts clients of this line`,
    };
  const move = () => clientTarget(client, known, policy);
  return {
    rule,
    outcome: 'fail',
    because: () => `the client's major is older than that of ${whoToPoint(refusing)}`,
    ruling: {
      verdict: 'refuse',
      code: 'MAJOR_MISMATCH',
      move,
      message: () =>
        `Client ${printVersion(client.version)} is of an older major than ${whoToPoint(refusing)}, and that release does not accept it: ${spell(move())}.`,
    },
  };
}

/** M1: servers first, across the entire cluster. */
export function serverFirstRule({ client, known, unknown }: RuleInput): RuleResult {
  const rule = 'M1';
  const older = belowClient(client, known);
  if (!older.isEmpty)
    return {
      rule,
      outcome: 'fail',
      because: () => `the client's minor is newer than that of ${whoToPoint(older)}`,
      ruling: serverOutdated(client, older),
    };
  const blind = () => (unknown.isEmpty ? '' : `; the version of ${listNames(unknown.ids)} is unknown`);
  return { rule, outcome: 'pass', because: () => `no known server is older than the client${blind()}` };
}

/** Servers of older lines than the client's: all of them have to move. */
function belowClient(client: ClientFacts, known: ServerSet<KnownServer>): ServerSet<KnownServer> {
  return known.filter((server) => compareMinors(client.version, server.version) > 0);
}

function serverOutdated(client: ClientFacts, older: ServerSet<KnownServer>): Ruling {
  const to = printMinor(client.version);
  return {
    verdict: 'refuse',
    code: 'SERVER_OUTDATED',
    move: () => ({ side: 'server', to, who: older.ids }),
    message: () =>
      `Client ${printVersion(client.version)} is newer than ${whoToPoint(older)}: upgrade every server to ${to} before any client.`,
  };
}

/** M2: not too many minors older than the newest server. */
export function windowRule({ client, known, policy }: RuleInput): RuleResult {
  const rule = 'M2';
  const failing = known.filter((server) => !judgePair(client.version, server.version, policy).fits);
  if (failing.isEmpty)
    return {
      rule,
      outcome: 'pass',
      because: () =>
        `the client is inside the window of ${policy.window === null ? 'any number of' : policy.window} minors below every server`,
    };
  const move = () => clientTarget(client, known, policy);
  return {
    rule,
    outcome: 'fail',
    because: () => `the client is too many minors older than ${whoToPoint(failing)}`,
    ruling: {
      verdict: 'refuse',
      code: 'CLIENT_OUTDATED',
      move,
      message: () =>
        `Client ${printVersion(client.version)} is too old for ${whoToPoint(failing)}: ${spell(move())}.`,
    },
  };
}

function spell(move: Move): string {
  return move.side === 'client'
    ? `upgrade the client to ${move.to}`
    : `no client release fits the servers as they are, so first upgrade ${listNames(move.who)} to ${move.to}`;
}

/** P1: patches never decide. */
export function patchRule({ client, known }: RuleInput): RuleResult {
  const same = known.filter((server) => compareMinors(client.version, server.version) === 0);
  return same.isEmpty
    ? { rule: 'P1', outcome: 'skip', because: 'no server is of the same minor' }
    : {
        rule: 'P1',
        outcome: 'pass',
        because: () => `same minor as ${whoToPoint(same)}: any patch, any order`,
      };
}

/** M4: before 4.3 all clients are upgraded together; the tables say whether that has happened. */
export function lockstepRule({ client, policy, reached }: RuleInput): RuleResult {
  const rule = 'M4';
  if (!policy.lockstep) return { rule, outcome: 'skip', because: 'this policy has no lockstep' };
  const tables = releaseAt(policy.catalogue, reached);
  if (tables === null || !inLockstep(policy.catalogue, tables))
    return {
      rule,
      outcome: 'pass',
      because: 'clients of different minors may be connected at the same time',
    };
  if (compareMinors(client.version, tables) >= 0)
    return {
      rule,
      outcome: 'pass',
      because: () => `the client is not older than the tables of ${printMinor(tables)}`,
    };
  const to = printMinor(tables);
  // The level does not tell which of the lines that share it left the tables so.
  const owner = () =>
    linesAtLevel(policy.catalogue, reached).length > 1 ? releasesAtLevel(policy.catalogue, reached) : to;
  return {
    rule,
    outcome: 'fail',
    because: () => `the system tables are those of ${owner()}, a release whose clients are upgraded together`,
    ruling: {
      verdict: 'refuse',
      code: 'LOCKSTEP',
      move: () => ({ side: 'client', to, who: [printVersion(client.version)] }),
      message: () =>
        `The system tables are already those of ${owner()}, where all clients must be upgraded at the same time: upgrade client ${printVersion(client.version)} to ${to}.`,
    },
  };
}

/** M3: a server must not be older than the system tables; those that are get no sessions. */
export function behindTablesRule({ cluster, known, policy, reached }: RuleInput): RuleResult | null {
  const rule = 'M3';
  if (!policy.lockstep || !policy.systemTables) return null;
  const behind = known.filter((server) => isBehindTables(server, reached, policy));
  if (behind.isEmpty)
    return { rule, outcome: 'pass', because: () => `no server is older than level ${reached}` };
  const because = () =>
    `${whoToPoint(behind)} ${behind.size === 1 ? 'is' : 'are'} older than the system tables (level ${reached})`;
  if (behind.size < known.size) {
    const notice = () => `${because()} and served around`;
    return { rule, outcome: 'pass', because: notice, notice };
  }
  const claimed = claimants({ servers: cluster.servers, level: cluster.reached });
  return { rule, outcome: 'fail', because, ruling: behindTables(behind, claimed, reached, policy) };
}

/** @param claimed the servers that say where the tables are */
function behindTables(
  behind: ServerSet<KnownServer>,
  claimed: ServerSet,
  level: number,
  { catalogue }: SkewPolicy,
): Ruling {
  const { newest } = behind.extremes as { newest: Version };
  const line = lineReaching(catalogue, level, newest);
  const to = line === null ? `level ${level}` : printMinor(line);
  const said = () => (claimed.isEmpty ? '' : `, as said by ${listNames(claimed.ids)}`);
  return {
    verdict: 'refuse',
    code: 'SERVER_BEHIND_TABLES',
    move: () => ({ side: 'server', to, who: behind.ids }),
    message: () =>
      `Every server is older than the system tables (level ${level}${said()}): bring ${listNames(behind.ids)} to ${line === null ? 'a release that works with them' : to}.`,
  };
}

/** Patches of one line work with each other's tables (P1), so the line counts, not the patch. */
export function isBehindTables(server: Traits<KnownServer>, level: number, policy: SkewPolicy): boolean {
  return policy.systemTables && policy.lockstep && levelOfLine(policy.catalogue, server.version) < level;
}
