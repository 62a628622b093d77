/**
 * What blocks the next step, and who is turned away by it. A step brings every server to a release line, servers first
 * (M1), and ends when a client of it was there: where the line needs newer system tables, that client brings their
 * upgrade (M3). Every verdict is policy's own.
 */
import { compareMinors, type Minor, parseMinor, printMinor, printVersion } from '../version/version.ts';
import type { Blocker, Next, PathStep, UpgradeAhead } from './answers.ts';
import type { FleetFacts, FleetServer } from './facts.ts';
import { gateBlockers } from './gate-blockers.ts';
import {
  goalOf,
  isReachable,
  judgeNewcomer,
  newestLine,
  nextLine,
  oldestLine,
  withServersOn,
} from './goal.ts';
import { bodyOf, headOf } from './next-text.ts';
import { isOptional, routeTo } from './route.ts';
import { listed, verb } from './sentences.ts';
import { unknownServer } from './server-blockers.ts';
import { type Step, stepTo } from './step.ts';
import { tablesOf, withTablesAt } from './supposed.ts';

/**
 * What blocks the next step.
 * @param to a release line such as `4.16`: then the answer is about the whole way there, and has every step of it
 * @throws {VersionError} if `to` is no release line
 */
export function nextStep(facts: FleetFacts, to?: string): Next {
  if (to !== undefined) return wayTo(facts, parseMinor(to));
  const line = nextLine(facts);
  if (line === null) return nothingNext(facts);
  const step = stepTo(facts, line);
  return { ...answerOf([step]), sentence: `${step.to} is next. ${bodyOf(step, facts)}` };
}

function answerOf(steps: readonly [Step, ...Step[]] | readonly Step[]): Omit<Next, 'sentence' | 'path'> {
  const blockers = distinct(steps.flatMap((step) => step.blockers));
  return {
    to: steps.at(-1)?.to ?? null,
    ready: blockers.length === 0,
    blockers,
    refuses: steps.flatMap(({ refuses }) => refuses),
    refusesSeen: steps.flatMap(({ refusesSeen }) => refusesSeen),
    upgrade: upgradeOf(steps),
  };
}

/** Who has to move several times is told of the first. */
function distinct(blockers: readonly Blocker[]): Blocker[] {
  return [...Map.groupBy(blockers, ({ kind, who }) => JSON.stringify([kind, who])).values()].map(
    ([first]) => first as Blocker,
  );
}

function upgradeOf(steps: readonly Step[]): UpgradeAhead | null {
  const upgrades = steps.flatMap(({ upgrade }) => upgrade ?? []);
  const [first, last] = [upgrades[0], upgrades.at(-1)];
  return first && last ? { fromLevel: first.fromLevel, toLevel: last.toLevel } : null;
}

/** No later release is known, or nothing at all. */
function nothingNext(facts: FleetFacts): Next {
  const newest = newestLine(facts);
  const why =
    newest === null
      ? "Nothing can be said of the next step, since no server's version is known."
      : `No release is next: none after ${printMinor(newest)} is known that the servers could go on to.`;
  const blockers = [
    ...(newest === null ? facts.servers.map((server) => unknownServer(server, null)) : []),
    ...gateBlockers(facts),
  ];
  return {
    ...answerOf([]),
    ready: false,
    blockers,
    sentence: [why, ...blockers.map(({ message }) => message)].join(' '),
  };
}

function wayTo(facts: FleetFacts, target: Minor): Next {
  const to = printMinor(target);
  const past = facts.servers.filter(({ version }) => version !== null && compareMinors(version, target) > 0);
  if (past.length > 0) return noWay(to, pastTarget(past, to));
  const steps: Step[] = [];
  const befores: FleetFacts[] = [];
  for (const line of routeTo(facts, target)) {
    const before = steps.at(-1)?.after ?? facts;
    befores.push(before);
    steps.push(stepTo(before, line, steps.length > 0));
  }
  const last = befores.at(-1) as FleetFacts;
  if (!isReachable(last, target)) return noWay(to, unreachable(last, target));
  const answer = answerOf(steps);
  if (answer.ready && answer.upgrade === null && answer.refuses.length === 0)
    return { ...answer, sentence: reached(facts, to), path: [] };
  const path = steps.map((step, at) => pathStep(step, befores[at] as FleetFacts, steps[at + 1]));
  const [only, ...others] = steps as [Step, ...Step[]];
  const sentence =
    others.length === 0
      ? `${to} is next. ${bodyOf(only, facts)}`
      : [headOf(to, steps.length), ...path.map((step) => step.sentence)].join(' ');
  return { ...answer, sentence, path };
}

function pathStep(step: Step, before: FleetFacts, following: Step | undefined): PathStep {
  const { to, goal, blockers, refuses, downtime } = step;
  const optional = isOptional(before.policy, oldestLine(before), goal.line, following?.goal.line);
  const aside = optional ? ` ${to} may be passed over, straight to ${following?.to} (M5).` : '';
  return {
    to,
    blockers,
    refuses,
    upgrade: upgradeOf([step]),
    downtime,
    optional,
    sentence: `To ${to}: ${bodyOf(step, before)}${aside}`,
  };
}

function reached(facts: FleetFacts, to: string): string {
  const level = tablesOf(facts);
  const tables = level === null ? '' : `, and the system tables are at level ${level}`;
  return `Every server is on ${to}${tables}: nothing is left to do.`;
}

function noWay(to: string, blocker: Blocker): Next {
  return { ...answerOf([]), to, ready: false, blockers: [blocker], sentence: blocker.message, path: [] };
}

function pastTarget(past: readonly FleetServer[], to: string): Blocker {
  const who = past.map(({ id }) => id);
  const named = past.map(({ id, version }) => `${id} (${version && printVersion(version)})`);
  const message = `${listed(named)} ${verb(who, 'is', 'are')} past ${to} already: steps lead forward only.`;
  return { kind: 'not-ahead', who, move: null, message };
}

function unreachable(facts: FleetFacts, target: Minor): Blocker {
  const goal = goalOf(facts, target);
  const { move, message } = judgeNewcomer(withTablesAt(withServersOn(facts, goal), tablesOf(facts)), goal);
  const to = printMinor(target);
  return {
    kind: 'not-ahead',
    who: facts.servers.map(({ id }) => id),
    move,
    message: `${to} cannot be next: with every server on it, its clients would be refused. ${message}`,
  };
}
