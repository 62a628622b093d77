/** The release lines on the way to a target, in the order in which servers go through them. */
import { linesBetween } from '../policy/lines.ts';
import { judgePair } from '../policy/pair.ts';
import type { Policy } from '../policy/types.ts';
import { entriesOf, isHopByHop } from '../version/catalogue.ts';
import { compareMinors, firstOf, type Minor } from '../version/version.ts';
import type { FleetFacts } from './facts.ts';
import { catalogueOf, goalOf, isBehind, isReachable, newestLine, withGoal } from './goal.ts';
import { tablesOf } from './supposed.ts';

/** Lines that are looked at: beyond, only the target itself. */
const MOST_LINES = 200;

/**
 * Every line from that of the newest server to `target` that servers can be on and go on from; the target is the last,
 * also where nothing leads to it.
 */
export function routeTo(facts: FleetFacts, target: Minor): Minor[] {
  const newest = newestLine(facts);
  if (newest === null || compareMinors(newest, target) >= 0) return [target];
  const between = linesBetween(catalogueOf(facts.policy), newest, target, MOST_LINES);
  const route: Minor[] = [];
  let at = facts;
  for (const line of between) {
    if (compareMinors(line, target) === 0 || isThere(at, line) || !isReachable(at, line)) continue;
    const there = withGoal(at, goalOf(at, line));
    // 4.15 and 4.16 leave tables behind that are too new for 5.0.
    if (isReachable(at, target) && !isReachable(there, target)) continue;
    route.push(line);
    at = there;
  }
  return [...route, target];
}

/** Whether servers and tables are on a line. */
function isThere(facts: FleetFacts, line: Minor): boolean {
  const goal = goalOf(facts, line);
  return (
    facts.servers.every((server) => server.version !== null && !isBehind(server, goal, facts.policy)) &&
    (goal.level === null || (tablesOf(facts, 'level') ?? -1) >= goal.level)
  );
}

/**
 * Whether servers that are on `before` may go past `line` to the one after it (M5): nothing says that an upgrade stops
 * there, and clients of `before` work with servers of both.
 */
export function isOptional(
  policy: Policy,
  before: Minor | null,
  line: Minor,
  after: Minor | undefined,
): boolean {
  if (before === null || after === undefined || policy.kind !== 'skew') return false;
  if (compareMinors(before, line) >= 0) return false;
  const { catalogue } = policy;
  if (entriesOf(catalogue, line).some(({ mustStop }) => mustStop)) return false;
  if (isHopByHop(catalogue, firstOf(after))) return false;
  return judgePair(firstOf(before), firstOf(after), policy).fits;
}
