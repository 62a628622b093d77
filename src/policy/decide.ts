/**
 * The verdict: one client against the whole set of servers. Pure. Rules are looked at in the order of `LOOKS`;
 * the first that finds something decides, and all that were looked at are in the trace.
 * Rule ids and their sources: README, "The policy".
 */
import { inLockstep, levelOf, levelOfLine, releaseAt } from '../version/catalogue.ts';
import { compareMinors, extremes, printMinor, printVersion, type Version } from '../version/version.ts';
import { CODES, type Code } from './codes.ts';
import { clientTarget, notesFor, whoToPoint } from './move.ts';
import { judgePair } from './pair.ts';
import { lookRanges } from './ranges.ts';
import type {
  ClientFacts,
  ClusterFacts,
  Decision,
  Move,
  Policy,
  Rule,
  ServerFacts,
  SkewPolicy,
  TraceStep,
  Verdict,
} from './types.ts';

/** What a rule found: enough to decide. */
export interface Finding {
  readonly verdict: Verdict;
  readonly code: Code;
  readonly move?: Move | null;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** A rule's answer: whether it passes, why, and if it decides, what. */
export interface Look {
  readonly rule: Rule;
  readonly outcome: TraceStep['outcome'];
  readonly because: string;
  readonly finding?: Finding;
}

/** A server whose version is known. */
export type KnownServer = ServerFacts & { readonly version: Version };

interface Question {
  readonly client: ClientFacts;
  readonly cluster: ClusterFacts;
  readonly policy: SkewPolicy;
  readonly known: readonly [KnownServer, ...KnownServer[]];
  readonly unknown: readonly ServerFacts[];
  readonly level: number;
}

/** ms since the epoch; only a failed upgrade's back-off and a block's expiry depend on it. */
export function decide(client: ClientFacts, cluster: ClusterFacts, policy: Policy, now = 0): Decision {
  if (policy.scope === 'cluster' || cluster.servers.length < 2) return judge(client, cluster, policy, now);
  const alone = cluster.servers.map((server) =>
    judge(client, { ...cluster, servers: [server] }, policy, now),
  );
  const best = alone.reduce((a, b) => (RANK[b.verdict] < RANK[a.verdict] ? b : a));
  return { ...best, cluster: summary(cluster, policy) };
}

const RANK: Readonly<Record<Verdict, number>> = { permit: 0, migrate: 1, hold: 2, refuse: 3 };

function judge(client: ClientFacts, cluster: ClusterFacts, policy: Policy, now: number): Decision {
  const known = cluster.servers.filter(isKnown);
  const unknown = cluster.servers.filter((server) => server.version === null);
  const trace: Look[] = [];
  if (isNonEmpty(known) || policy.kind === 'ranges') {
    if (policy.kind === 'ranges') trace.push(lookRanges(client, cluster.servers));
    else if (isNonEmpty(known)) {
      const level = effectiveLevel(cluster, policy) as number;
      const question = { client, cluster, policy, known, unknown, level };
      for (const look of LOOKS) {
        const seen = look(question, now);
        if (seen === null) continue;
        trace.push(seen);
        if (seen.finding !== undefined) break;
      }
    }
  }
  if (trace.at(-1)?.finding === undefined) trace.push(lookServing(client, cluster, policy));
  return conclude(client, cluster, policy, trace);
}

function conclude(
  client: ClientFacts,
  cluster: ClusterFacts,
  policy: Policy,
  trace: readonly Look[],
): Decision {
  const last = trace.at(-1) as Look;
  const finding = last.finding ?? {
    verdict: 'permit',
    code: 'PERMITTED',
    message: `Client ${printVersion(client.version)} is admitted.`,
  };
  const move = finding.move ?? null;
  const { vendorCode, sqlState, retry } = CODES[finding.code];
  return {
    verdict: finding.verdict,
    code: finding.code,
    rule: last.finding ? last.rule : permittingRule(client, cluster, policy),
    client: printVersion(client.version),
    cluster: summary(cluster, policy),
    move,
    retry: move === null && retry === 'after-change' ? 'later' : move !== null ? 'after-change' : retry,
    retryAfterMs: finding.retryAfterMs ?? null,
    vendorCode,
    sqlState,
    message: finding.message,
    notes: policy.kind === 'skew' ? notesFor(policy.catalogue, finding.code, client, cluster) : [],
    trace: trace.map(({ rule, outcome, because }) => ({ rule, outcome, because })),
  };
}

/** The rule by which a client is admitted: the least obvious one that had to hold. */
function permittingRule(client: ClientFacts, cluster: ClusterFacts, policy: Policy): Rule {
  if (policy.kind === 'ranges') return 'ranges';
  const by = cluster.servers
    .filter(isKnown)
    .map((server) => judgePair(client.version, server.version, policy).by);
  return by.find((rule) => rule === 'J1') ?? by.find((rule) => rule === 'M2') ?? 'P1';
}

function summary(cluster: ClusterFacts, policy: Policy): Decision['cluster'] {
  const versions = cluster.servers.filter(isKnown).map((server) => server.version);
  if (!isNonEmpty(versions)) return { oldest: null, newest: null, level: cluster.level };
  const { oldest, newest } = extremes(versions);
  return {
    oldest: printVersion(oldest),
    newest: printVersion(newest),
    level: policy.kind === 'skew' ? effectiveLevel(cluster, policy) : cluster.level,
  };
}

/** The level reported, or that of the oldest server's release; null when neither is known. */
export function effectiveLevel(cluster: ClusterFacts, policy: SkewPolicy): number | null {
  const versions = cluster.servers.filter(isKnown).map((server) => server.version);
  return (
    cluster.level ?? (isNonEmpty(versions) ? levelOf(policy.catalogue, extremes(versions).oldest) : null)
  );
}

/**
 * Whether one server could serve this client, whatever the others are: what picking a server asks. Its state
 * is not looked at.
 */
export function serverFits(
  client: ClientFacts,
  server: ServerFacts,
  cluster: ClusterFacts,
  policy: Policy,
): boolean {
  if (policy.kind === 'ranges') return lookRanges(client, [server]).finding === undefined;
  if (!isKnown(server) || !judgePair(client.version, server.version, policy).fits) return false;
  return !isBehindTables(server, effectiveLevel(cluster, policy) ?? 0, policy);
}

const LOOKS: ReadonlyArray<(question: Question, now: number) => Look | null> = [
  lookMajor,
  lookServerFirst,
  lookWindow,
  lookPatch,
  lookLockstep,
  lookBehindTables,
  lookDowntime,
  lookTrigger,
];

/** J1: majors are decided release by release. */
function lookMajor({ client, known, policy }: Question): Look {
  const rule = 'J1';
  const older = known.filter((server) => client.version.major > server.version.major);
  if (older.length > 0)
    return {
      rule,
      outcome: 'fail',
      because: `the client's major is newer than that of ${whoToPoint(older)}`,
      finding: serverOutdated(client, older),
    };
  const newer = known.filter((server) => client.version.major < server.version.major);
  if (newer.length === 0) return { rule, outcome: 'pass', because: 'client and servers share one major' };
  const refusing = newer.filter((server) => !judgePair(client.version, server.version, policy).fits);
  if (refusing.length === 0)
    return {
      rule,
      outcome: 'pass',
      because: `${whoToPoint(newer)}: this release accepts clients of this line`,
    };
  const move = clientTarget(client, known, policy);
  return {
    rule,
    outcome: 'fail',
    because: `the client's major is older than that of ${whoToPoint(refusing)}`,
    finding: {
      verdict: 'refuse',
      code: 'MAJOR_MISMATCH',
      move,
      message: `Client ${printVersion(client.version)} is of an older major than ${whoToPoint(refusing)}, and that release does not accept it: ${spell(move)}.`,
    },
  };
}

/** M1: servers first, across the entire cluster. */
function lookServerFirst({ client, known, unknown }: Question): Look {
  const rule = 'M1';
  const older = known.filter((server) => compareMinors(client.version, server.version) > 0);
  if (older.length > 0)
    return {
      rule,
      outcome: 'fail',
      because: `the client's minor is newer than that of ${whoToPoint(older)}`,
      finding: serverOutdated(client, older),
    };
  const blind =
    unknown.length > 0 ? `; the version of ${unknown.map(({ id }) => id).join(', ')} is unknown` : '';
  return { rule, outcome: 'pass', because: `no known server is older than the client${blind}` };
}

function serverOutdated(client: ClientFacts, older: readonly KnownServer[]): Finding {
  const to = printMinor(client.version);
  return {
    verdict: 'refuse',
    code: 'SERVER_OUTDATED',
    move: { side: 'server', to, who: older.map(({ id }) => id) },
    message: `Client ${printVersion(client.version)} is newer than ${whoToPoint(older)}: upgrade every server to ${to} before any client.`,
  };
}

/** M2: not too many minors older than the newest server. */
function lookWindow({ client, known, policy }: Question): Look {
  const rule = 'M2';
  const failing = known.filter((server) => !judgePair(client.version, server.version, policy).fits);
  if (failing.length === 0)
    return {
      rule,
      outcome: 'pass',
      because: `the client is inside the window of ${policy.window === null ? 'any number of' : policy.window} minors below every server`,
    };
  const move = clientTarget(client, known, policy);
  return {
    rule,
    outcome: 'fail',
    because: `the client is too many minors older than ${whoToPoint(failing)}`,
    finding: {
      verdict: 'refuse',
      code: 'CLIENT_OUTDATED',
      move,
      message: `Client ${printVersion(client.version)} is too old for ${whoToPoint(failing)}: ${spell(move)}.`,
    },
  };
}

function spell(move: Move): string {
  return move.side === 'client'
    ? `upgrade the client to ${move.to}`
    : `no client release fits the servers as they are, so first upgrade ${move.who.join(', ')} to ${move.to}`;
}

/** P1: patches never decide. */
function lookPatch({ client, known }: Question): Look {
  const same = known.filter((server) => compareMinors(client.version, server.version) === 0);
  return same.length === 0
    ? { rule: 'P1', outcome: 'skip', because: 'no server is of the same minor' }
    : { rule: 'P1', outcome: 'pass', because: `same minor as ${whoToPoint(same)}: any patch, any order` };
}

/** M4: before 4.3 all clients are upgraded together; the tables say whether that has happened. */
function lookLockstep({ client, policy, level }: Question): Look {
  const rule = 'M4';
  if (!policy.lockstep) return { rule, outcome: 'skip', because: 'this policy has no lockstep' };
  const tables = releaseAt(policy.catalogue, level);
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
      because: `the client is not older than the tables of ${printMinor(tables)}`,
    };
  const to = printMinor(tables);
  return {
    rule,
    outcome: 'fail',
    because: `the system tables are those of ${to}, a release whose clients are upgraded together`,
    finding: {
      verdict: 'refuse',
      code: 'LOCKSTEP',
      move: { side: 'client', to, who: [printVersion(client.version)] },
      message: `The system tables are already those of ${to}, where all clients must be upgraded at the same time: upgrade client ${printVersion(client.version)} to ${to}.`,
    },
  };
}

/** M3: a server must not be older than the system tables; those that are get no sessions. */
function lookBehindTables({ known, policy, level }: Question): Look | null {
  const rule = 'M3';
  if (!policy.lockstep || !policy.systemTables) return null;
  const behind = known.filter((server) => isBehindTables(server, level, policy));
  if (behind.length === 0)
    return { rule, outcome: 'pass', because: `no server is older than level ${level}` };
  const to = printMinor(releaseAt(policy.catalogue, level) as Version);
  const because = `${whoToPoint(behind)} ${behind.length === 1 ? 'is' : 'are'} older than the system tables (level ${level}, release ${to})`;
  if (behind.length < known.length) return { rule, outcome: 'pass', because: `${because} and served around` };
  return {
    rule,
    outcome: 'fail',
    because,
    finding: {
      verdict: 'refuse',
      code: 'SERVER_BEHIND_TABLES',
      move: { side: 'server', to, who: behind.map(({ id }) => id) },
      message: `Every server is older than the system tables (level ${level}): bring ${behind.map(({ id }) => id).join(', ')} back to ${to} or later.`,
    },
  };
}

/** Patches of one line work with each other's tables (P1), so the line counts, not the patch. */
function isBehindTables(server: KnownServer, level: number, policy: SkewPolicy): boolean {
  return policy.systemTables && policy.lockstep && levelOfLine(policy.catalogue, server.version) < level;
}

/** J1: a major upgrade that needs downtime keeps everybody out until it is done. */
function lookDowntime({ cluster }: Question): Look | null {
  if (cluster.upgrade.state !== 'running' || !cluster.upgrade.downtime) return null;
  return {
    rule: 'J1',
    outcome: 'fail',
    because: 'a major upgrade that needs downtime is running',
    finding: {
      verdict: 'refuse',
      code: 'DOWNTIME_REQUIRED',
      message: 'A major upgrade that needs downtime is running: come again when it is done.',
    },
  };
}

/** M3: the first newly upgraded client at a fully upgraded cluster brings the upgrade. */
function lookTrigger({ client, cluster, policy, known, unknown, level }: Question, now: number): Look {
  const rule = 'M3';
  if (!policy.systemTables) return { rule, outcome: 'skip', because: 'this policy has no system tables' };
  const needs = levelOf(policy.catalogue, client.version);
  if (needs <= level)
    return { rule, outcome: 'pass', because: `the client needs level ${needs}, the tables are at ${level}` };
  const lagging = known.filter((server) => levelOf(policy.catalogue, server.version) < needs);
  if (policy.scope === 'cluster' && lagging.length > 0)
    return {
      rule,
      outcome: 'pass',
      because: `the client's patch needs level ${needs}, but ${whoToPoint(lagging)} of the same minor is not upgraded to it yet (P1)`,
    };
  const because = `the client needs level ${needs}, the tables are at ${level}`;
  if (unknown.length > 0) return { rule, outcome: 'fail', because, finding: unknownFinding(client, unknown) };
  return { rule, outcome: 'fail', because, finding: upgradeFinding(client, cluster, policy, needs, now) };
}

function unknownFinding(client: ClientFacts, unknown: readonly ServerFacts[]): Finding {
  const ids = unknown.map(({ id }) => id);
  return {
    verdict: 'refuse',
    code: 'VERSION_UNKNOWN',
    move: null,
    message: `Client ${printVersion(client.version)} needs the whole cluster upgraded, and the version of ${ids.join(', ')} is unknown: start ${ids.length === 1 ? 'it' : 'them'}, or take ${ids.length === 1 ? 'it' : 'them'} out of the cluster.`,
  };
}

/** What becomes of a client that needs the upgrade, by where the upgrade stands. */
function upgradeFinding(
  client: ClientFacts,
  { upgrade }: ClusterFacts,
  policy: SkewPolicy,
  level: number,
  now: number,
): Finding {
  const who = `Client ${printVersion(client.version)}`;
  const operator = (to: string): Move => ({ side: 'operator', to, who: ['operator'] });
  switch (upgrade.state) {
    case 'unavailable':
      return {
        verdict: 'refuse',
        code: 'LEDGER_UNAVAILABLE',
        message: `${who} needs the system tables at level ${level}, and the ledger of upgrades is out of reach.`,
      };
    case 'blocked':
      return {
        verdict: 'refuse',
        code: 'UPGRADE_BLOCKED',
        move: operator('unblock'),
        message: `${who} needs the system tables at level ${level}, and an operator blocked upgrades: ${upgrade.reason}`,
      };
    case 'running':
      return {
        verdict: 'hold',
        code: 'UPGRADE_IN_PROGRESS',
        message: `${who} needs the system tables at level ${level}, which are being upgraded.`,
      };
    case 'failed':
      if (upgrade.retryAt !== null && upgrade.retryAt <= now) break;
      return {
        verdict: 'refuse',
        code: 'UPGRADE_FAILED',
        move: upgrade.retryAt === null ? operator('retry') : null,
        ...(upgrade.retryAt !== null && { retryAfterMs: upgrade.retryAt - now }),
        message: `${who} needs the system tables at level ${level}, and their upgrade failed: ${upgrade.error}`,
      };
    case 'idle':
      break;
  }
  if (!policy.autoUpgrade || client.upgrade === 'must-not')
    return {
      verdict: 'refuse',
      code: 'UPGRADE_REQUIRED',
      move: operator('approve'),
      message: `${who} needs the system tables at level ${level}, and ${policy.autoUpgrade ? 'it must not bring the upgrade itself' : 'upgrades do not start by themselves'}: approve the upgrade, or let a client that may bring it connect first.`,
    };
  return {
    verdict: 'migrate',
    code: 'UPGRADE_NEEDED',
    message: `${who} is admitted once the system tables are upgraded to level ${level}.`,
  };
}

/** N1: a client that some server fits waits for one that takes sessions, rather than fail at once. */
function lookServing(client: ClientFacts, cluster: ClusterFacts, policy: Policy): Look {
  const rule = 'N1';
  const up = cluster.servers.filter((server) => server.state === 'up');
  if (up.some((server) => serverFits(client, server, cluster, policy)))
    return { rule, outcome: 'pass', because: 'a compatible server takes sessions' };
  const blind = up.length > 0 && !cluster.servers.some(isKnown);
  return {
    rule: blind ? 'M1' : rule,
    outcome: 'fail',
    because: blind ? 'no version of any server is known' : 'no compatible server takes new sessions',
    finding: blind
      ? unknownFinding(client, up)
      : {
          verdict: 'hold',
          code: 'NO_SERVER',
          message: 'No compatible server takes new sessions at the moment.',
        },
  };
}

function isKnown(server: ServerFacts): server is KnownServer {
  return server.version !== null;
}

function isNonEmpty<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}
