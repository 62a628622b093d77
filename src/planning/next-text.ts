/** A step as sentences: what is in the way, then whom it refuses and what it does to the tables. */
import { PlanError } from '../policy/plan.ts';
import type { FleetFacts } from './facts.ts';
import { count, refusedClause, sentenceOf } from './sentences.ts';
import type { Step } from './step.ts';

const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

const UNSTATED =
  ', provided that a server, the ledger or `migration.baseline` says where the tables are: as nobody does, they count as those of the oldest server, whichever that is';

/** What comes before the steps of a way that has several. */
export const headOf = (to: string, steps: number): string => `${to} takes ${steps} steps.`;

/**
 * All that a step comes to.
 * @param before the fleet that takes it
 */
export function bodyOf(step: Step, before: FleetFacts): string {
  const others = step.blockers.filter(({ kind }) => kind !== 'sessions-outside');
  const clauses = [
    ...step.refuses.filter(({ temporary }) => !temporary).map(refusedClause),
    ...step.refusesSeen.map(refusedClause),
    ...demandClauses(step),
    ...upgradeClauses(step, before),
    step.blockers.length === 0 ? 'nothing is in the way' : 'nothing else is in the way',
  ];
  const lead = others.length === 0 ? '' : 'Then: ';
  return [...others.map(({ message }) => message), sentenceOf(clauses, lead)].join(' ');
}

function demandClauses({ demands, downtime, refuses, to }: Step): string[] {
  const ending = refuses
    .filter(({ temporary }) => temporary)
    .reduce((sum, { sessions }) => sum + sessions, 0);
  return [
    ...(demands?.together ? [`clients and servers go to ${to} together`] : []),
    ...(demands?.script === undefined ? [] : [`the script ${demands.script} runs`]),
    ...(downtime
      ? [`it needs downtime: ${count(ending, 'session')} end, and nobody is admitted while the upgrade runs`]
      : demands?.downtime
        ? ['it needs downtime']
        : []),
  ];
}

function upgradeClauses(
  { upgrade, to, goal }: Step,
  { upgrade: { state, holder, attempt } }: FleetFacts,
): string[] {
  if (upgrade === null)
    return goal.level === null ? [`clients may go to ${to}`] : [`clients may go to ${to} without an upgrade`];
  const { fromLevel, toLevel, isStated, plan } = upgrade;
  const levels = fromLevel === null ? `to level ${toLevel}` : `level ${fromLevel} to ${toLevel}`;
  if (state.state === 'running') {
    const who = holder === null ? '' : ` (${holder}${attempt === null ? '' : `, attempt ${attempt}`})`;
    return [`an upgrade is running, ${levels}${who}`];
  }
  const steps = plan instanceof PlanError ? 1 : plan.steps.length;
  const what = steps === 1 ? 'one upgrade' : `${NUMBERS[steps] ?? steps} upgrades`;
  const proviso = isStated ? '' : UNSTATED;
  return [`${what} will run, ${levels}, brought by the first ${to} client${proviso}`];
}
