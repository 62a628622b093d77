/**
 * What must hold whatever happens to a fleet, checked against what truly happened (ground-truth.ts) rather than what its
 * gates believed. Each invariant has an id, by which reports refer to it, and is stated in one sentence.
 */

import { newerClientAdmitted, refusedByPolicy } from './invariants/admitted.ts';
import { notOnRecord, unanswered } from './invariants/answers.ts';
import type { Breach } from './invariants/breach.ts';
import { gateFailed, somethingLeft, waitWithoutEnd } from './invariants/endings.ts';
import { type Evidence, evidenceOf } from './invariants/evidence.ts';
import {
  ledgerWentBack,
  secondCompletion,
  startedUnderBlock,
  twoHolders,
  wentOnAfterAbort,
} from './invariants/ledger.ts';
import { begunInDoubt, recordedInLost } from './invariants/lost-ledger.ts';
import { deadEnd } from './invariants/moves.ts';
import { overlappingRuns, runTooEarly } from './invariants/runs.ts';
import { groundlessRefusal, heldTooLong } from './invariants/service.ts';
import { droppedSession, overstayed } from './invariants/sessions.ts';
import { countedAsFailed, ranAgain } from './invariants/success.ts';
import type { Simulation } from './simulation.ts';

export interface Invariant {
  readonly id: string;
  readonly sentence: string;
  readonly breaches: (evidence: Evidence) => Breach[];
}

export interface Violation extends Breach {
  readonly invariant: string;
}

export const INVARIANTS: readonly Invariant[] = [
  {
    id: 'admitted-by-policy',
    sentence: 'No client is admitted that the policy refuses in every state the gate can have known.',
    breaches: refusedByPolicy,
  },
  {
    id: 'servers-first',
    sentence:
      'No client is admitted to a cluster, or starts its upgrade, while a server is of an older release line than the client.',
    breaches: (evidence) => [...newerClientAdmitted(evidence), ...runTooEarly(evidence)],
  },
  {
    id: 'upgraded-once',
    sentence: 'Each level is reached by one completed upgrade step only.',
    breaches: secondCompletion,
  },
  {
    id: 'one-run-at-a-time',
    sentence: 'While one step of an upgrade runs, no other does.',
    breaches: overlappingRuns,
  },
  {
    id: 'one-holder',
    sentence: 'Tokens only grow, each has one holder, and no claim is taken from a healthy holder.',
    breaches: twoHolders,
  },
  {
    id: 'success-is-kept',
    sentence: 'A step that succeeded is not counted as failed, and does not run again.',
    breaches: (evidence) => [...countedAsFailed(evidence), ...ranAgain(evidence)],
  },
  {
    id: 'operator-is-heeded',
    sentence:
      'No upgrade begins while an operator blocks upgrades, and none continues after an operator aborts it.',
    breaches: (evidence) => [...startedUnderBlock(evidence), ...wentOnAfterAbort(evidence)],
  },
  {
    id: 'ledger-goes-forward',
    sentence: 'The ledger never goes back without recording that it did.',
    breaches: ledgerWentBack,
  },
  {
    id: 'lost-ledger-is-doubted',
    sentence:
      'Once a ledger is lost that a gate knew, no upgrade begins and nothing is recorded until an operator accepts what is there.',
    breaches: (evidence) => [...begunInDoubt(evidence), ...recordedInLost(evidence)],
  },
  {
    id: 'sessions-kept',
    sentence: 'No session ends that could have continued.',
    breaches: droppedSession,
  },
  {
    id: 'sessions-end',
    sentence: 'No session continues that the upgrade has to end.',
    breaches: overstayed,
  },
  {
    id: 'refused-for-a-reason',
    sentence: 'No client is refused that a server could have served within the deadline.',
    breaches: groundlessRefusal,
  },
  {
    id: 'waits-end',
    sentence: 'Every wait ends within its deadline, and as soon as its reason is gone.',
    breaches: (evidence) => [...waitWithoutEnd(evidence), ...heldTooLong(evidence)],
  },
  {
    id: 'everyone-is-answered',
    sentence: 'Every client gets an answer while some gate is running.',
    breaches: unanswered,
  },
  {
    id: 'on-record',
    sentence: "What a client was told is on record, and what a record says of a session's end is true.",
    breaches: notOnRecord,
  },
  {
    id: 'refusals-lead-on',
    sentence: 'A refusal that can be acted on says who must move, and following it leads to admission.',
    breaches: deadEnd,
  },
  {
    id: 'no-fault',
    sentence: "No client makes the gate's own code fail.",
    breaches: gateFailed,
  },
  {
    id: 'nothing-left',
    sentence: 'Once gates have stopped, no session, slot, waiting client or timer is left.',
    breaches: somethingLeft,
  },
];

/** Everything that did not hold in a simulation that was played to its end, in the order of `INVARIANTS`. */
export function violationsIn(simulation: Simulation): Violation[] {
  const evidence = evidenceOf(simulation);
  return INVARIANTS.flatMap(({ id, breaches }) =>
    breaches(evidence).map((breach) => ({ invariant: id, ...breach })),
  );
}
