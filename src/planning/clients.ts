/** The clients of a fleet, judged by policy against a cluster that is or may be, and put into groups for a reader. */
import { decide } from '../policy/decide.ts';
import type { ClusterFacts, Decision, Move, Policy } from '../policy/types.ts';
import {
  compareMinors,
  compareVersions,
  parseMinor,
  printMinor,
  tryParseVersion,
} from '../version/version.ts';
import type { NamedClient, Refused } from './answers.ts';
import type { FleetFacts, FleetSession, SeenClient } from './facts.ts';

/** Clients that are named one by one in an answer. */
const MOST_CLIENTS = 20;
/** Versions that a group lists: clients choose what they call theirs. */
const MOST_VERSIONS = 50;

/** A session, or a client that was seen and has none. */
export type Client = FleetSession | SeenClient;

/** Whether it is connected. */
export const isSession = (client: Client): client is FleetSession => 'session' in client;

/** The address without its port. */
export const hostOf = (client: Client): string =>
  isSession(client) ? client.peer.replace(/:\d+$/, '') : client.host;

/** The release line of a client, such as `4.12`; null: what it calls its version is none. */
export function lineOf({ client }: Pick<Client, 'client'>): string | null {
  const version = tryParseVersion(client);
  return version && printMinor(version);
}

/** Who was seen in the last hour and has no session now. */
export function absentOf({ sessions, seen }: Pick<FleetFacts, 'sessions' | 'seen'>): readonly SeenClient[] {
  if (seen.length === 0) return seen;
  const connected = new Set(sessions.map(keyOf));
  return seen.filter((one) => !connected.has(keyOf(one)));
}

function keyOf(client: Client): string {
  const properties = Object.entries(client.properties).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([client.client, client.driver, hostOf(client), properties]);
}

/** The verdict on a client by what it says of itself; null: what it calls its version is none. */
export type JudgeClient = (client: Pick<Client, 'client' | 'protocol'>) => Decision | null;

/** Asks policy about clients and one cluster, once for all that say the same of themselves. */
export function judgeFor(cluster: ClusterFacts, policy: Policy, now: number): JudgeClient {
  const known = new Map<string, Decision | null>();
  return ({ client, protocol }) => {
    const key = `${client} ${protocol ? `${protocol.min}-${protocol.max}` : ''}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const version = tryParseVersion(client);
    const facts = version && ({ version, upgrade: 'may', ...(protocol && { protocol }) } as const);
    const decision = facts && decide(facts, cluster, policy, now);
    known.set(key, decision);
    return decision;
  };
}

/** How the clients of a group are to be told of. */
export interface Grouping {
  /** What they are told as things are. */
  readonly now: JudgeClient;
  /** Whether the refusal ends with the upgrade. */
  readonly temporary?: boolean;
}

/** Those whom `judge` refuses, by release line and rule: oldest line first. */
export function refusedBy(clients: readonly Client[], judge: JudgeClient, about: Grouping): Refused[] {
  const groups = new Map<string, { readonly line: string; readonly decision: Decision; clients: Client[] }>();
  for (const client of clients) {
    const decision = judge(client);
    const line = lineOf(client);
    if (decision?.verdict !== 'refuse' || line === null) continue;
    const key = `${line} ${decision.rule} ${decision.code}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { line, decision, clients: [client] });
    else group.clients.push(client);
  }
  return [...groups.values()]
    .toSorted((a, b) => compareMinors(parseMinor(a.line), parseMinor(b.line)))
    .map(({ line, decision: { rule, code }, clients }) => ({
      line,
      sessions: clients.filter(isSession).length,
      seen: clients.filter((client) => !isSession(client)).length,
      rule,
      code,
      move: sharedMove(clients, judge),
      already: clients.every((client) => about.now(client)?.verdict === 'refuse'),
      temporary: about.temporary ?? false,
      versions: versionsOf(clients),
      clients: namedClients(clients),
    }));
}

/** What helps all of them: the first one's move, with everybody who has to make it. */
function sharedMove(clients: readonly Client[], judge: JudgeClient): Move | null {
  const [move, ...others] = clients.flatMap((client) => judge(client)?.move ?? []);
  if (move === undefined || move.side !== 'client') return move ?? null;
  const who = new Set([move, ...others].flatMap((one) => one.who));
  return { ...move, who: [...who].slice(0, MOST_VERSIONS) };
}

/** The versions of some clients, ascending, as they write them; bounded. */
export function versionsOf(clients: readonly Pick<Client, 'client'>[]): string[] {
  const versions = [...new Set(clients.map(({ client }) => client))].flatMap((text) => {
    const version = tryParseVersion(text);
    return version === null ? [] : { text, version };
  });
  return versions
    .toSorted((a, b) => compareVersions(a.version, b.version))
    .slice(0, MOST_VERSIONS)
    .map(({ text }) => text);
}

/** Who they are, those with the most sessions first; bounded. */
export function namedClients(clients: readonly Client[]): NamedClient[] {
  const found = new Map<string, { -readonly [Key in keyof NamedClient]: NamedClient[Key] }>();
  for (const client of clients) {
    const { driver, properties } = client;
    const name = properties.name ?? properties.user ?? null;
    const host = hostOf(client);
    const key = JSON.stringify([name, driver, host]);
    const known = found.get(key) ?? { name, driver, host, sessions: 0 };
    if (isSession(client)) known.sessions++;
    found.set(key, known);
  }
  return [...found.values()].toSorted((a, b) => b.sessions - a.sessions).slice(0, MOST_CLIENTS);
}
