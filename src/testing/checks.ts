/** What a test asks of a decision, and what it is told when the answer is no. */
import { CODES, type Code } from '../policy/codes.ts';
import type { Move, ReceivedDecision } from '../policy/types.ts';
import { explainDecision } from './describe.ts';

/** A decision, or what carries one: a log record is one, a session and a `RefusedError` have it as `decision`. */
export type Judged = ReceivedDecision | { readonly decision: ReceivedDecision };

export interface CheckResult {
  readonly pass: boolean;
  /** For when a test fails on it: also of a check that passed and should not have. */
  readonly message: () => string;
  readonly actual?: unknown;
  readonly expected?: unknown;
}

/** Whether a decision admits the client. @throws if `received` is not a decision. */
export function checkAdmitted(received: unknown): CheckResult {
  return check(received, ({ verdict }) => verdict === 'permit', 'the client to be admitted');
}

/** @throws if there is no such code: a misspelt one would never be found. */
export function checkRefused(received: unknown, code?: Code): CheckResult {
  if (code !== undefined && !(code in CODES))
    throw new TypeError(`there is no code ${code}: ${Object.keys(CODES).join(', ')}`);
  return check(
    received,
    (decision) => decision.verdict === 'refuse' && (code === undefined || decision.code === code),
    `the client to be refused${code === undefined ? '' : ` with ${code}`}`,
    code && { actual: (decision) => decision.code, expected: code },
  );
}

/** Whether a decision asks for this move; parts that are left out match anything. @throws if it is not a decision. */
export function checkMove(received: unknown, wanted: Partial<Move>): CheckResult {
  const parts = Object.entries(wanted) as Array<[keyof Move, Move[keyof Move]]>;
  const said = parts.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(', ');
  return check(
    received,
    ({ move }) =>
      move !== null && parts.every(([key, value]) => JSON.stringify(move[key]) === JSON.stringify(value)),
    `somebody to have to move: ${said || 'whoever'}`,
    { actual: (decision) => decision.move, expected: wanted },
  );
}

interface Compared {
  readonly actual: (decision: ReceivedDecision) => unknown;
  readonly expected: unknown;
}

function check(
  received: unknown,
  holds: (decision: ReceivedDecision) => boolean,
  what: string,
  compared?: Compared,
): CheckResult {
  const decision = decisionOf(received);
  const pass = holds(decision);
  return {
    pass,
    message: () =>
      `expected ${what}${pass ? ', which is not what was wanted' : ''}\n\n${explainDecision(decision)}`,
    ...(compared && { actual: compared.actual(decision), expected: compared.expected }),
  };
}

function decisionOf(received: unknown): ReceivedDecision {
  const outer = received as Partial<ReceivedDecision> & { readonly decision?: Partial<ReceivedDecision> };
  const decision = outer?.decision ?? outer;
  if (typeof decision?.verdict === 'string' && Array.isArray(decision.trace))
    return decision as ReceivedDecision;
  throw new TypeError(
    `this is no decision: ${received instanceof Error ? received.stack : JSON.stringify(received)}`,
  );
}
