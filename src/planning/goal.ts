/** What it means for a cluster to be on a release line: which servers are not there yet, and where the tables have to be. */

import { decide } from '../policy/decide.ts';
import { linesBetween } from '../policy/lines.ts';
import { type Decision, hasSystemTables, type Policy } from '../policy/types.ts';
import { type Catalogue, createCatalogue, levelOf, levelOfLine, linesOf } from '../version/catalogue.ts';
import {
  compareMinors,
  compareVersions,
  firstOf,
  type Minor,
  tryParseVersion,
  type Version,
} from '../version/version.ts';
import { connectedOf } from './clients.ts';
import type { FleetFacts, FleetServer } from './facts.ts';
import { clusterOf, tablesOf, withTablesAt } from './supposed.ts';

/** A release line that the servers are to be on. */
export interface Goal {
  readonly line: Minor;
  /** What servers that are not on it yet will run: the newest of the line that one runs, else its first. */
  readonly version: Version;
  /** Schema level that its clients need; null: the policy has no system tables. */
  readonly level: number | null;
}

const NO_RELEASES = createCatalogue([]);

/** What is known of releases; nothing where a policy does not look at them. */
export function catalogueOf(policy: Policy): Catalogue {
  return policy.kind === 'skew' ? policy.catalogue : NO_RELEASES;
}

/** The goal that every server is on `line`. */
export function goalOf({ servers, policy }: Pick<FleetFacts, 'servers' | 'policy'>, line: Minor): Goal {
  const there = servers.flatMap(({ version }) =>
    version !== null && compareMinors(version, line) === 0 ? version : [],
  );
  const version = there.toSorted(compareVersions).at(-1) ?? firstOf(line);
  return { line, version, level: hasSystemTables(policy) ? levelOf(policy.catalogue, version) : null };
}

/** Whether a server of known version still has to be upgraded: its line is older, or its patch, where the tables need a later one. */
export function isBehind({ version }: Pick<FleetServer, 'version'>, goal: Goal, policy: Policy): boolean {
  if (version === null) return false;
  if (compareMinors(version, goal.line) < 0) return true;
  return (
    goal.level !== null &&
    compareMinors(version, goal.line) === 0 &&
    levelOf(catalogueOf(policy), version) < goal.level
  );
}

/** The fleet once every server is on the line, or past it, and takes sessions; the tables are where they were. */
export function withServersOn(facts: FleetFacts, goal: Goal): FleetFacts {
  const { level, reached } = pinned(facts);
  const there = facts.servers.find(({ version }) => version !== null && same(version, goal.version));
  const servers = facts.servers.map((server): FleetServer => {
    const up = { ...server, state: 'up', lastError: null } as const;
    if (server.version !== null && !isBehind(server, goal, facts.policy)) return up;
    return { ...up, version: goal.version, protocol: there?.protocol ?? server.protocol };
  });
  return { ...facts, level, reached, servers };
}

/** Where the tables are, stated: what was derived from the servers would move with them. */
function pinned(facts: FleetFacts): Pick<FleetFacts, 'level' | 'reached'> {
  if (!hasSystemTables(facts.policy)) return facts;
  return { level: tablesOf(facts, 'level'), reached: tablesOf(facts) };
}

/** The fleet once the servers are there, and a client of that line has brought what upgrade it needs. */
export function withGoal(facts: FleetFacts, goal: Goal): FleetFacts {
  const moved = withServersOn(facts, goal);
  return withTablesAt(moved, goal.level === null ? moved.level : Math.max(goal.level, tablesOf(moved) ?? 0));
}

/** What a client of that line is told by the cluster of `facts`, as things stand there. */
export function judgeNewcomer(facts: FleetFacts, { version }: Goal): Decision {
  const protocol = facts.servers.find((server) => server.version && same(server.version, version))?.protocol;
  const client = { version, upgrade: 'may', ...(protocol && { protocol }) } as const;
  return decide(client, clusterOf(facts), facts.policy, facts.now);
}

/** Whether servers could be on `line` at all, with the tables where they are: they may be too new for it. */
export function isReachable(facts: FleetFacts, line: Minor): boolean {
  if (!hasSystemTables(facts.policy)) return true;
  const goal = goalOf(facts, line);
  const free = withTablesAt(withServersOn(facts, goal), tablesOf(facts));
  return judgeNewcomer(free, goal).verdict !== 'refuse';
}

/** The line of the newest server; null: no version is known. */
export function newestLine({ servers }: Pick<FleetFacts, 'servers'>): Minor | null {
  const known = servers.flatMap(({ version }) => version ?? []).toSorted(compareMinors);
  return known.at(-1) ?? null;
}

/** The line of the oldest server; null: no version is known. */
export function oldestLine({ servers }: Pick<FleetFacts, 'servers'>): Minor | null {
  return servers.flatMap(({ version }) => version ?? []).toSorted(compareMinors)[0] ?? null;
}

/**
 * The release line that is next: that of the newest server until it is taken, then the lowest later one that servers can
 * be on; null: no version is known, or no later line.
 */
export function nextLine(facts: FleetFacts): Minor | null {
  const newest = newestLine(facts);
  if (newest === null) return null;
  if (isReachable(facts, newest) && !isTaken(facts, goalOf(facts, newest))) return newest;
  const catalogue = catalogueOf(facts.policy);
  const last = linesOf(catalogue).at(-1);
  if (last === undefined) return null;
  const later = linesBetween(catalogue, newest, last).filter((line) => compareMinors(line, newest) > 0);
  return later.find((line) => isReachable(facts, line)) ?? null;
}

/** Whether the step to a line is over: servers and tables are there, and so was a client of it. */
function isTaken(facts: FleetFacts, goal: Goal): boolean {
  const { servers, policy, seen } = facts;
  if (servers.some((server) => isBehind(server, goal, policy))) return false;
  if (goal.level !== null && (tablesOf(facts, 'level') ?? goal.level) < goal.level) return false;
  if (goal.level !== null && goal.level > levelBelow(catalogueOf(policy), goal.line)) return true;
  const isThere = ({ client }: { readonly client: string }) =>
    compareMinors(tryParseVersion(client) ?? BEFORE_ALL, goal.line) >= 0;
  return connectedOf(facts).some(isThere) || seen.some((one) => one.verdict === 'permit' && isThere(one));
}

const BEFORE_ALL: Minor = { major: -1, minor: 0 };

/** The level that tables have reached with the line before at the latest: beyond it, a client of `line` has come. */
function levelBelow(catalogue: Catalogue, line: Minor): number {
  const before = linesOf(catalogue).findLast((other) => compareMinors(other, line) < 0);
  return before === undefined ? Number.NEGATIVE_INFINITY : levelOfLine(catalogue, before);
}

const same = (a: Version, b: Version) => compareVersions(a, b) === 0;
