/** Whom a change of servers or of the policy would refuse, at once: of today's sessions, and of the last hour's clients. */
import type { Policy } from '../policy/types.ts';
import { parseVersion, printVersion, type Version } from '../version/version.ts';
import type { Refused, WhatIf } from './answers.ts';
import { absentOf, connectedOf, judgeFor, refusedBy, sessionsIn } from './clients.ts';
import type { FleetFacts, FleetServer } from './facts.ts';
import { count, listed, refusedClause, sentenceOf } from './sentences.ts';
import { clusterOf } from './supposed.ts';

/** What is supposed. All of it may be: single servers come after all servers. */
export interface Supposition {
  /** What every server runs. */
  readonly servers?: string | undefined;
  /** What single servers run, by id. */
  readonly server?: Readonly<Record<string, string>> | undefined;
  readonly policy?: Policy | undefined;
}

/** A supposition that makes no sense for this fleet; the message says why. */
export class SuppositionError extends Error {
  override readonly name = 'SuppositionError';
}

/**
 * Judges every client as if things were as supposed. Servers that are supposed to run something are up; the tables and
 * their upgrade stay as they are.
 * @throws {SuppositionError} if a server is named that is not there
 * @throws {VersionError} if a version is none
 */
export function whatIf(facts: FleetFacts, supposition: Supposition): WhatIf {
  const supposed = supposedFleet(facts, supposition);
  const judge = judgeFor(clusterOf(supposed), supposed.policy, facts.now);
  const [connected, absent] = [connectedOf(facts), absentOf(facts)];
  const clients = [...connected, ...absent];
  const refused = refusedBy(clients, judge, { now: judgeFor(clusterOf(facts), facts.policy, facts.now) });
  const sum = (of: 'sessions' | 'seen') => refused.reduce((total, group) => total + group[of], 0);
  const permitted = {
    sessions: sessionsIn(connected) - sum('sessions'),
    seen: absent.length - sum('seen'),
  };
  return {
    servers: supposed.servers.map(({ id, version }) => ({ id, version: version && printVersion(version) })),
    policy: supposition.policy?.name ?? null,
    refused,
    permitted,
    sentence: spell(supposition, refused, permitted),
  };
}

function supposedFleet(
  facts: FleetFacts,
  { servers, server = {}, policy = facts.policy }: Supposition,
): FleetFacts {
  const ids = facts.servers.map(({ id }) => id);
  const strange = Object.keys(server).find((id) => !ids.includes(id));
  if (strange !== undefined) throw new SuppositionError(`${strange} is none of the servers: ${listed(ids)}`);
  const all = servers === undefined ? null : parseVersion(servers);
  return {
    ...facts,
    policy,
    servers: facts.servers.map((one) => {
      const own = server[one.id];
      return running(one, own === undefined ? all : parseVersion(own));
    }),
  };
}

function running(server: FleetServer, version: Version | null): FleetServer {
  return version === null ? server : { ...server, version, state: 'up', lastError: null };
}

function spell(
  { servers, server = {}, policy }: Supposition,
  refused: readonly Refused[],
  permitted: WhatIf['permitted'],
): string {
  const singles = Object.entries(server).map(([id, version]) => `${id} on ${version}`);
  const supposed = [
    ...(servers === undefined ? [] : [`every server on ${servers}`]),
    ...(singles.length === 0 ? [] : [listed(singles)]),
    ...(policy === undefined ? [] : [`the policy ${policy.name}`]),
  ];
  const lead = supposed.length === 0 ? 'As things are, ' : `With ${supposed.join(' and ')}, `;
  const others = `${count(permitted.sessions, 'session')} and ${count(permitted.seen, 'client')} of the last hour without one would be admitted`;
  if (refused.length === 0) return `${lead}nobody would be refused: ${others}.`;
  const clauses = refused.map(refusedClause);
  return sentenceOf([...clauses, others], lead);
}
