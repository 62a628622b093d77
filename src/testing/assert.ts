/** For node:test and others without `expect`: the same checks, thrown. */
import { AssertionError } from 'node:assert';
import type { Code } from '../policy/codes.ts';
import type { Move } from '../policy/types.ts';
import { type CheckResult, checkAdmitted, checkMove, checkRefused, type Judged } from './checks.ts';

/** @throws {AssertionError} */
export function assertAdmitted(decision: Judged): void {
  require(checkAdmitted(decision));
}

/** @throws {AssertionError} */
export function assertRefused(decision: Judged, code?: Code): void {
  require(checkRefused(decision, code));
}

/** @throws {AssertionError} */
export function assertMove(decision: Judged, wanted: Partial<Move>): void {
  require(checkMove(decision, wanted));
}

function require({ pass, message, actual, expected }: CheckResult): void {
  if (!pass) throw new AssertionError({ message: message(), actual, expected });
}
