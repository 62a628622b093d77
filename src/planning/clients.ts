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

/** Sessions of one release line at another gate. */
export interface SessionsElsewhere {
  readonly elsewhere: true;
  readonly gate: string;
  readonly sessions: number;
  readonly line: string;
  /** The first release of the line, to judge them by. */
  readonly client: string;
  readonly protocol?: undefined;
}

/** A session, sessions at another gate, or a client that was seen and has none. */
export type Client = KnownClient | SessionsElsewhere;

/** A client that tells of itself. */
export type KnownClient = FleetSession | SeenClient;

const isSession = (client: Client): client is FleetSession => 'session' in client;

/** Whether it is known by no more than its release line and the gate that it is connected to. */
const isElsewhere = (client: Client): client is SessionsElsewhere => 'elsewhere' in client;

/** Those that tell of themselves. */
export function knownOf(clients: readonly Client[]): readonly KnownClient[] {
  return clients.flatMap((client) => (isElsewhere(client) ? [] : client));
}

/** Open sessions among clients. */
export function sessionsIn(clients: readonly Client[]): number {
  return clients.reduce(
    (sum, client) => sum + (isElsewhere(client) ? client.sessions : isSession(client) ? 1 : 0),
    0,
  );
}

/** Clients that are not connected. */
const seenIn = (clients: readonly Client[]) =>
  clients.filter((client) => !isSession(client) && !isElsewhere(client)).length;

/** The address without its port. */
export const hostOf = (client: KnownClient): string =>
  isSession(client) ? client.peer.replace(/:\d+$/, '') : client.host;

/** Everybody who is connected: here, and as far as they tell, at the other gates. */
export function connectedOf({ sessions, gates }: Pick<FleetFacts, 'sessions' | 'gates'>): readonly Client[] {
  const elsewhere = gates.flatMap(({ id, isSelf, sessions: byLine = {} }): SessionsElsewhere[] =>
    isSelf
      ? []
      : Object.entries(byLine).flatMap(([line, count]) =>
          count > 0 && tryParseVersion(`${line}.0`)
            ? { elsewhere: true, gate: id, sessions: count, line, client: `${line}.0` }
            : [],
        ),
  );
  return elsewhere.length === 0 ? sessions : [...sessions, ...elsewhere];
}

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

/** Properties are recorded in one order. */
function keyOf(client: KnownClient): string {
  const properties = Object.entries(client.properties).flat().join('\n');
  return `${client.client}\n${client.driver}\n${hostOf(client)}\n${properties}`;
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
      sessions: sessionsIn(clients),
      seen: seenIn(clients),
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
  const move = clients.flatMap((client) => judge(client)?.move ?? [])[0] ?? null;
  return move?.side === 'client' ? { ...move, who: versionsOf(clients) } : move;
}

/** The versions of some clients, ascending, as they write them; of those at other gates, the line. Bounded. */
export function versionsOf(clients: readonly Client[]): string[] {
  const texts = clients.map((client) => (isElsewhere(client) ? client.line : client.client));
  return [...new Set(texts)]
    .flatMap((text) => {
      const version = tryParseVersion(text) ?? tryParseVersion(`${text}.0`);
      return version === null ? [] : { text, version };
    })
    .toSorted((a, b) => compareVersions(a.version, b.version) || a.text.length - b.text.length)
    .slice(0, MOST_VERSIONS)
    .map(({ text }) => text);
}

/** Who they are, those with the most sessions first; bounded. */
export function namedClients(clients: readonly Client[]): NamedClient[] {
  const found = new Map<string, { -readonly [Key in keyof NamedClient]: NamedClient[Key] }>();
  for (const client of clients) {
    const who = whoIs(client);
    const key = JSON.stringify(who);
    const known = found.get(key) ?? { ...who, sessions: 0 };
    known.sessions += sessionsIn([client]);
    found.set(key, known);
  }
  return [...found.values()].toSorted((a, b) => b.sessions - a.sessions).slice(0, MOST_CLIENTS);
}

function whoIs(client: Client): Omit<NamedClient, 'sessions'> {
  if (isElsewhere(client)) return { name: null, driver: null, host: null, gate: client.gate };
  const { driver, properties } = client;
  return { name: properties.name ?? properties.user ?? null, driver, host: hostOf(client), gate: null };
}
