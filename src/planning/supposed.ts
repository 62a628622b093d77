/** Fleets as they are and as they are supposed to be, and what policy is asked of them. */
import { Roster, serverSetOf } from '../policy/roster.ts';
import { effectiveLevel, reachedLevel } from '../policy/rules.ts';
import { type ClusterFacts, hasSystemTables, type ServerFacts } from '../policy/types.ts';
import type { FleetFacts, FleetServer, UpgradeFacts } from './facts.ts';

/** Nothing is in the way of an upgrade, and none is under way. */
export const FREE_UPGRADE: UpgradeFacts = {
  state: { state: 'idle', approved: true },
  holder: null,
  leaseAlive: false,
  token: null,
  attempt: null,
  approval: { needed: false, given: false },
  block: null,
  failure: null,
};

/** Servers as policy takes them: counted once, however often it is asked about them. */
const ROSTERS = new WeakMap<readonly FleetServer[], readonly ServerFacts[]>();

/** The cluster as policy is asked about it; the upgrade stands as for no client in particular. */
export function clusterOf({ servers, level, reached, upgrade }: FleetFacts): ClusterFacts {
  const known = ROSTERS.get(servers) ?? new Roster(servers.map(serverFacts)).servers;
  ROSTERS.set(servers, known);
  return {
    servers: known,
    level,
    reached: reached ?? level,
    upgrade: upgrade.state,
  };
}

function serverFacts({ id, version, state, level, lastError, protocol }: FleetServer): ServerFacts {
  return { id, version, state, level, lastError, ...(protocol && { protocol }) };
}

/**
 * Where the tables are as policy believes it; null: nobody knows, or the policy has none.
 * @param what `level`: as far as clients may count on it; `reached`: where they are already
 */
export function tablesOf(facts: FleetFacts, what: 'level' | 'reached' = 'reached'): number | null {
  const { policy } = facts;
  if (!hasSystemTables(policy)) return null;
  const { servers, level, reached = level } = clusterOf(facts);
  const set = serverSetOf(servers);
  return what === 'level'
    ? effectiveLevel({ servers: set, level }, policy)
    : reachedLevel({ servers: set, level, reached }, policy);
}

/** Whether anybody says where the tables are. */
export function isLevelStated({ level, servers }: Pick<FleetFacts, 'level' | 'servers'>): boolean {
  return level !== null || servers.some((server) => server.level !== null);
}

/** The same fleet with its tables at `level`, on record and in fact, and no upgrade under way. */
export function withTablesAt(facts: FleetFacts, level: number | null): FleetFacts {
  const { servers } = facts;
  return {
    ...facts,
    level,
    reached: level,
    servers: servers.every((server) => server.level === null || server.level === level)
      ? servers
      : servers.map((server) => ({ ...server, level: server.level === null ? null : level })),
    upgrade: FREE_UPGRADE,
  };
}
