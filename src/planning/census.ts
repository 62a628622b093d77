/** Which clients there are, by release line, and where each line is on its way out. */
import { linesBetween } from '../policy/lines.ts';
import type { Decision, Verdict } from '../policy/types.ts';
import { linesOf } from '../version/catalogue.ts';
import {
  compareMinors,
  firstOf,
  type Minor,
  parseMinor,
  printMinor,
  printVersion,
} from '../version/version.ts';
import type { CensusLine, LineStatus } from './answers.ts';
import {
  absentOf,
  type Client,
  connectedOf,
  hostOf,
  type JudgeClient,
  judgeFor,
  type KnownClient,
  knownOf,
  lineOf,
  sessionsIn,
  versionsOf,
} from './clients.ts';
import type { FleetFacts } from './facts.ts';
import { catalogueOf, goalOf, nextLine, withGoal } from './goal.ts';
import { clusterOf } from './supposed.ts';

/** Hosts, drivers and names that a line lists. */
const MOST_NAMED = 20;

/** Every release line that somebody of the last hour is of, and those that would be admitted and have nobody: oldest first. */
export function census(facts: FleetFacts): CensusLine[] {
  const next = nextLine(facts);
  const after = next === null ? facts : withGoal(facts, goalOf(facts, next));
  const now = judgeFor(clusterOf(facts), facts.policy, facts.now);
  const then = next === null ? now : judgeFor(clusterOf(after), facts.policy, facts.now);
  const groups = Map.groupBy<string | null, Client>([...connectedOf(facts), ...absentOf(facts)], lineOf);
  groups.delete(null);
  for (const line of admittedLines(facts, now)) if (!groups.has(line)) groups.set(line, []);
  return [...groups]
    .flatMap(([line, clients]) => (line === null ? [] : lineAs(line, clients, facts, { now, then })))
    .toSorted((a, b) => compareMinors(parseMinor(a.line), parseMinor(b.line)));
}

/** Known lines whose clients would be admitted, by their first releases. */
function admittedLines(facts: FleetFacts, now: JudgeClient): string[] {
  const catalogue = catalogueOf(facts.policy);
  const known = linesOf(catalogue);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return [];
  return linesBetween(catalogue, first, last)
    .filter((line) => (now(newcomer(line))?.verdict ?? 'refuse') !== 'refuse')
    .map(printMinor);
}

const newcomer = (line: Minor) => ({ client: printVersion(firstOf(line)) });

function lineAs(
  line: string,
  clients: readonly Client[],
  { seen }: FleetFacts,
  { now, then }: { readonly now: JudgeClient; readonly then: JudgeClient },
): CensusLine {
  const versions = versionsOf(clients);
  const asked = versions.length === 0 ? [newcomer(parseMinor(line))] : clients;
  const known = knownOf(clients);
  const isDrained = known.some(({ drained }) => drained);
  const [verdictNow, verdictNext] = isDrained ? [DRAINED, DRAINED] : [worst(asked, now), worst(asked, then)];
  const sessions = sessionsIn(clients);
  const arrivals = [
    ...known.flatMap((client) => ('startedAt' in client ? client.startedAt : [])),
    ...seen.filter((one) => lineOf(one) === line).map(({ lastAt }) => lastAt),
  ];
  return {
    line,
    versions,
    sessions,
    lastSeenAt: arrivals.reduce<number | null>((last, at) => Math.max(last ?? at, at), null),
    hosts: frequent(known.map(hostOf)),
    drivers: frequent(known.map(({ driver }) => driver)),
    who: frequent(known.flatMap(nameOf)),
    verdictNow: verdictNow.verdict,
    codeNow: verdictNow.code,
    verdictNext: verdictNext.verdict,
    codeNext: verdictNext.code,
    status: statusOf(verdictNow, verdictNext, sessions, clients.length > 0),
  };
}

const RANK: Readonly<Record<Verdict, number>> = { permit: 0, migrate: 1, hold: 2, refuse: 3 };

/** What an operator has clients told whose release is drained. */
const DRAINED: Told = { verdict: 'refuse', code: 'RELEASE_DRAINED' };

type Told = Pick<Decision, 'verdict' | 'code'>;

/** The least favourable verdict on clients of one line: their patches may differ. */
function worst(clients: readonly Pick<Client, 'client' | 'protocol'>[], judge: JudgeClient): Told {
  return clients
    .map((client) => judge(client) as Decision)
    .reduce((a, b) => (RANK[b.verdict] > RANK[a.verdict] ? b : a));
}

function statusOf(now: Told, next: Told, sessions: number, isThere: boolean): LineStatus {
  if (now.code === 'SERVER_OUTDATED') return 'ahead';
  if (now.verdict === 'refuse' && next.verdict !== 'refuse') return 'ahead';
  if (now.verdict === 'refuse') return sessions > 0 ? 'draining' : 'drained';
  if (!isThere) return 'unseen';
  return next.verdict === 'refuse' ? 'leaving' : 'current';
}

/** Each once, the most frequent first; bounded. */
function frequent(texts: readonly string[]): string[] {
  return [...Map.groupBy(texts, (text) => text)]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .slice(0, MOST_NAMED)
    .map(([text]) => text);
}

/** What a client calls itself: its name, else whatever else is recorded of it. */
function nameOf({ properties }: KnownClient): string[] {
  const { name, ...others } = properties;
  if (name !== undefined) return [name];
  const rest = Object.entries(others).map(([key, value]) => `${key}=${value}`);
  return rest.length === 0 ? [] : [rest.join(' ')];
}
