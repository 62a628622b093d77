/**
 * The verdict: one client against the whole set of servers. Pure. Rules are applied in the order of
 * `RULES_IN_ORDER`; the first that makes a ruling decides, and all that were applied are in the trace.
 * Rule ids and their sources: docs/policy.md.
 */
import { extremes, printVersion } from '../version/version.ts';
import { CODES } from './codes.ts';
import { notesFor } from './move.ts';
import { judgePair } from './pair.ts';
import { rangesRule } from './ranges.ts';
import { isKnown, isNonEmpty, type RuleInput, type RuleResult } from './rule.ts';
import {
  behindTablesRule,
  effectiveLevel,
  isBehindTables,
  lockstepRule,
  majorRule,
  patchRule,
  serverFirstRule,
  windowRule,
} from './rules.ts';
import type { ClientFacts, ClusterFacts, Decision, Policy, Rule, ServerFacts, Verdict } from './types.ts';
import { unknownVersionRuling, upgradeNeededRule, upgradeStateRule } from './upgrade.ts';

const RULES_IN_ORDER: ReadonlyArray<(input: RuleInput, now: number) => RuleResult | null> = [
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
 * Judges one client. With scope `server` every server is judged alone, and the most favourable verdict counts.
 * @param now ms since the epoch; only a failed upgrade's back-off, a block's expiry and a window's opening depend on it.
 */
export function decide(client: ClientFacts, cluster: ClusterFacts, policy: Policy, now = 0): Decision {
  if (policy.scope === 'cluster' || cluster.servers.length < 2) return judge(client, cluster, policy, now);
  const alone = cluster.servers.map((server) =>
    judge(client, { ...cluster, servers: [server] }, policy, now),
  );
  const best = alone.reduce((a, b) => (RANK[b.verdict] < RANK[a.verdict] ? b : a));
  return { ...best, observed: observed(cluster, policy) };
}

const RANK: Readonly<Record<Verdict, number>> = { permit: 0, migrate: 1, hold: 2, refuse: 3 };

function judge(client: ClientFacts, cluster: ClusterFacts, policy: Policy, now: number): Decision {
  const trace = applyRules(client, cluster, policy, now);
  if (trace.at(-1)?.ruling === undefined) trace.push(servingRule(client, cluster, policy));
  return conclude(client, cluster, policy, trace);
}

/** Every rule up to the one that decides. */
function applyRules(client: ClientFacts, cluster: ClusterFacts, policy: Policy, now: number): RuleResult[] {
  if (policy.kind === 'ranges') return [rangesRule(client, cluster.servers)];
  const known = cluster.servers.filter(isKnown);
  if (!isNonEmpty(known)) return [];
  const unknown = cluster.servers.filter((server) => !isKnown(server));
  const level = effectiveLevel(cluster, policy) as number;
  const input: RuleInput = { client, cluster, policy, known, unknown, level };
  const trace: RuleResult[] = [];
  for (const rule of RULES_IN_ORDER) {
    const result = rule(input, now);
    if (result === null) continue;
    trace.push(result);
    if (result.ruling !== undefined) break;
  }
  return trace;
}

function conclude(
  client: ClientFacts,
  cluster: ClusterFacts,
  policy: Policy,
  trace: readonly RuleResult[],
): Decision {
  const last = trace.at(-1) as RuleResult;
  const ruling = last.ruling ?? {
    verdict: 'permit',
    code: 'PERMITTED',
    message: `Client ${printVersion(client.version)} is admitted.`,
  };
  const move = ruling.move ?? null;
  const { vendorCode, sqlState, retry } = CODES[ruling.code];
  return {
    verdict: ruling.verdict,
    code: ruling.code,
    rule: last.ruling ? last.rule : permittingRule(client, cluster, policy),
    client: printVersion(client.version),
    observed: observed(cluster, policy),
    move,
    retry: move !== null ? 'after-change' : retry === 'after-change' ? 'later' : retry,
    // The protocol has whole milliseconds; rounded down, the next attempt would come too early.
    retryAfterMs: ruling.retryAfterMs === undefined ? null : Math.ceil(ruling.retryAfterMs),
    vendorCode,
    sqlState,
    message: ruling.message,
    notices: trace.flatMap(({ notice }) => notice ?? []),
    notes: policy.kind === 'skew' ? notesFor(policy.catalogue, ruling.code, client, cluster) : [],
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

function observed(cluster: ClusterFacts, policy: Policy): Decision['observed'] {
  const versions = cluster.servers.filter(isKnown).map((server) => server.version);
  if (!isNonEmpty(versions)) return { oldest: null, newest: null, level: cluster.level };
  const { oldest, newest } = extremes(versions);
  return {
    oldest: printVersion(oldest),
    newest: printVersion(newest),
    level: policy.kind === 'skew' ? effectiveLevel(cluster, policy) : cluster.level,
  };
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
  if (policy.kind === 'ranges') return rangesRule(client, [server]).ruling === undefined;
  if (!isKnown(server) || !judgePair(client.version, server.version, policy).fits) return false;
  return !isBehindTables(server, effectiveLevel(cluster, policy) ?? 0, policy);
}

/** How many servers are named with the reason why they are down. */
const MAX_REASONS = 4;

/** ` (rs1: ECONNREFUSED; rs2: …)`, or nothing where nobody knows why. */
function whyDown(servers: readonly ServerFacts[]): string {
  const reasons = servers.flatMap(({ id, state, lastError }) =>
    state === 'down' && lastError ? [`${id}: ${lastError}`] : [],
  );
  if (reasons.length === 0) return '';
  const more = reasons.length > MAX_REASONS ? `; and ${reasons.length - MAX_REASONS} more` : '';
  return ` (${reasons.slice(0, MAX_REASONS).join('; ')}${more})`;
}

/** N1: a client that some server fits waits for one that takes sessions, rather than fail at once. */
function servingRule(client: ClientFacts, cluster: ClusterFacts, policy: Policy): RuleResult {
  const rule = 'N1';
  const up = cluster.servers.filter((server) => server.state === 'up');
  if (up.some((server) => serverFits(client, server, cluster, policy)))
    return { rule, outcome: 'pass', because: 'a compatible server takes sessions' };
  const blind = up.length > 0 && !cluster.servers.some(isKnown);
  return {
    rule: blind ? 'M1' : rule,
    outcome: 'fail',
    because: blind ? 'no version of any server is known' : 'no compatible server takes new sessions',
    ruling: blind
      ? unknownVersionRuling(client, up)
      : {
          verdict: 'hold',
          code: 'NO_SERVER',
          message: `No compatible server takes new sessions at the moment${whyDown(cluster.servers)}.`,
        },
  };
}
