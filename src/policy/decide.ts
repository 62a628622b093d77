/**
 * The verdict: one client against the whole set of servers. Pure. Rules are applied in the order of
 * `RULES_IN_ORDER`; the first that makes a ruling decides, and all that were applied are in the trace.
 * Rule ids and their sources: docs/policy.md.
 */
import { conclude, concludeLater, type Judgment } from './conclude.ts';
import { judgePair } from './pair.ts';
import { rangesRule } from './ranges.ts';
import { serverSetOf } from './roster.ts';
import type { ClusterView, RuleInput, RuleResult } from './rule.ts';
import {
  behindTablesRule,
  effectiveLevel,
  isBehindTables,
  lockstepRule,
  majorRule,
  patchRule,
  reachedLevel,
  serverFirstRule,
  windowRule,
} from './rules.ts';
import { type KnownServer, ServerSet, type Traits } from './server-set.ts';
import type { ClientFacts, ClusterFacts, Decision, Policy, Rule, ServerFacts, Verdict } from './types.ts';
import { unknownVersionRuling, upgradeAt, upgradeNeededRule, upgradeStateRule } from './upgrade.ts';
import { memoOf } from './verdict-memo.ts';

const RULES_IN_ORDER: ReadonlyArray<(input: RuleInput) => RuleResult | null> = [
  majorRule,
  serverFirstRule,
  windowRule,
  patchRule,
  lockstepRule,
  behindTablesRule,
  upgradeStateRule,
  upgradeNeededRule,
];

/**
 * Judges one client. With scope `server` every server is judged alone, and the most favourable verdict counts. What it
 * finds for servers that never change (`freezeServers`) is remembered with them.
 * @param now ms since the epoch; only a failed upgrade's back-off, a block's expiry and a window's opening depend on it.
 */
export function decide(client: ClientFacts, cluster: ClusterFacts, policy: Policy, now = 0): Decision {
  const upgrade = upgradeAt(cluster.upgrade, now);
  const servers = serverSetOf(cluster.servers);
  const memo = memoOf(cluster.servers);
  const { level } = cluster;
  const reached = cluster.reached ?? level;
  if (memo === null) return conclude(judgeCluster(client, { servers, level, reached, upgrade }, policy), now);
  const answers = memo.answersTo({ level, reached, upgrade }, policy);
  const known = answers.get(client);
  if (known !== undefined) return known.settled ?? concludeLater(known.judgment, now);
  const judgment = judgeCluster({ ...client }, { servers, level, reached, upgrade: answers.upgrade }, policy);
  const decision = concludeLater(judgment, now);
  answers.keep({ judgment, settled: judgment.ruling?.retryAt === undefined ? decision : null });
  return decision;
}

/** What the rules say, whatever the time is. */
function judgeCluster(client: ClientFacts, cluster: ClusterView, policy: Policy): Judgment {
  if (policy.scope === 'cluster' || cluster.servers.size < 2) return judge(client, cluster, policy);
  const alone = cluster.servers.examples.map((server) =>
    judge(client, { ...cluster, servers: ServerSet.of([server]) }, policy),
  );
  const best = alone.reduce((a, b) => (RANK[verdictOf(b)] < RANK[verdictOf(a)] ? b : a));
  return { ...best, observed: cluster };
}

const RANK: Readonly<Record<Verdict, number>> = { permit: 0, migrate: 1, hold: 2, refuse: 3 };
const verdictOf = ({ ruling }: Judgment): Verdict => ruling?.verdict ?? 'permit';

function judge(client: ClientFacts, cluster: ClusterView, policy: Policy): Judgment {
  const steps = applyRules(client, cluster, policy);
  if (steps.at(-1)?.ruling === undefined) steps.push(servingRule(client, cluster, policy));
  const { rule, ruling } = steps.at(-1) as RuleResult;
  return {
    client,
    policy,
    cluster,
    observed: cluster,
    rule: ruling === undefined ? permittingRule(client, cluster, policy) : rule,
    ruling,
    steps,
  };
}

/** Every rule up to the one that decides. */
function applyRules(client: ClientFacts, cluster: ClusterView, policy: Policy): RuleResult[] {
  if (policy.kind === 'ranges') return [rangesRule(client, cluster.servers)];
  const known = cluster.servers.known();
  if (known.isEmpty) return [];
  const unknown = cluster.servers.filter(({ version }) => version === null);
  const level = effectiveLevel(cluster, policy) as number;
  const reached = reachedLevel(cluster, policy) as number;
  const input: RuleInput = { client, cluster, policy, known, unknown, level, reached };
  const steps: RuleResult[] = [];
  for (const rule of RULES_IN_ORDER) {
    const result = rule(input);
    if (result === null) continue;
    steps.push(result);
    if (result.ruling !== undefined) break;
  }
  return steps;
}

/** The rule by which a client is admitted: the least obvious one that had to hold. */
function permittingRule(client: ClientFacts, { servers }: ClusterView, policy: Policy): Rule {
  if (policy.kind === 'ranges') return 'ranges';
  const by = servers.known().examples.map(({ version }) => judgePair(client.version, version, policy).by);
  return by.find((rule) => rule === 'J1') ?? by.find((rule) => rule === 'M2') ?? 'P1';
}

/** Tells of a server whether it could serve this client, whatever the others are. Its state is not looked at. */
export type Fit = (server: Traits<ServerFacts>) => boolean;

/** What picking a server for `client` asks of each. */
export function fitFor(client: ClientFacts, cluster: ClusterFacts, policy: Policy): Fit {
  const { servers, level, reached } = cluster;
  return fitIn(client, { servers: serverSetOf(servers), level, reached: reached ?? level }, policy);
}

function fitIn(client: ClientFacts, cluster: Omit<ClusterView, 'upgrade'>, policy: Policy): Fit {
  if (policy.kind === 'ranges')
    return (server) => rangesRule(client, ServerSet.of([server as ServerFacts])).ruling === undefined;
  const reached = reachedLevel(cluster, policy) ?? 0;
  return (server) =>
    server.version !== null &&
    judgePair(client.version, server.version, policy).fits &&
    !isBehindTables(server as Traits<KnownServer>, reached, policy);
}

/** How many servers are named with the reason why they are down. */
const MAX_REASONS = 4;

/** ` (rs1: ECONNREFUSED; rs2: …)`, or nothing where nobody knows why. */
function whyDown({ servers }: ServerSet): string {
  const reasons = servers.flatMap(({ id, state, lastError }) =>
    state === 'down' && lastError ? [`${id}: ${lastError}`] : [],
  );
  if (reasons.length === 0) return '';
  const more = reasons.length > MAX_REASONS ? `; and ${reasons.length - MAX_REASONS} more` : '';
  return ` (${reasons.slice(0, MAX_REASONS).join('; ')}${more})`;
}

/** N1: a client that some server fits waits for one that takes sessions, rather than fail at once. */
function servingRule(client: ClientFacts, cluster: ClusterView, policy: Policy): RuleResult {
  const rule = 'N1';
  const { servers } = cluster;
  const up = servers.filter(({ state }) => state === 'up');
  if (up.some(fitIn(client, cluster, policy)))
    return { rule, outcome: 'pass', because: 'a compatible server takes sessions' };
  const blind = !up.isEmpty && servers.known().isEmpty;
  return {
    rule: blind ? 'M1' : rule,
    outcome: 'fail',
    because: blind ? 'no version of any server is known' : 'no compatible server takes new sessions',
    ruling: blind
      ? unknownVersionRuling(client, up)
      : {
          verdict: 'hold',
          code: 'NO_SERVER',
          message: () => `No compatible server takes new sessions at the moment${whyDown(servers)}.`,
        },
  };
}
