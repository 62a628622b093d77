/** For vitest and jest: `expect.extend(matchers)`. Types: import `skewgate/testing/vitest` or `…/jest` once. */
import type { Code } from '../policy/codes.ts';
import type { Move } from '../policy/types.ts';
import { type CheckResult, checkAdmitted, checkMove, checkRefused } from './checks.ts';

export const matchers = {
  toBeAdmitted: (received: unknown): CheckResult => checkAdmitted(received),
  toBeRefused: (received: unknown, code?: Code): CheckResult => checkRefused(received, code),
  toMove: (received: unknown, wanted: Partial<Move>): CheckResult => checkMove(received, wanted),
};

/** What `expect(decision)` has beside its own. */
export interface FleetMatchers<R = unknown> {
  /** The decision admits its client. */
  toBeAdmitted(): R;
  /** The decision refuses its client, with this code if one is given. */
  toBeRefused(code?: Code): R;
  /** The decision says that this side has to move, to this release: `{ side: 'server', to: '4.15' }`. */
  toMove(wanted: Partial<Move>): R;
}
