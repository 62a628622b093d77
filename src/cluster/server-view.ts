/** Servers as a status shows them. */
import { printVersion } from '../version/version.ts';
import type { ServerStatus } from './server-state.ts';

/** What is known of a server at one moment, printed: a copy, which does not change. */
export interface ServerView {
  readonly id: string;
  readonly address: string;
  /** Of its back end. */
  readonly protocol: string;
  readonly state: ServerStatus['state'];
  /** Last known; null when it was never learned. */
  readonly version: string | null;
  readonly level: number | null;
  /** Open at this gate. */
  readonly sessions: number;
  /** Why it is down, or why this gate could not ask it; otherwise null. */
  readonly lastError: string | null;
}

/** @param protocol of its back end */
export function viewOf(
  { id, address, state, version, level, sessions, lastError }: ServerStatus,
  protocol: string,
): ServerView {
  const printed = version && printVersion(version);
  return { id, address, protocol, state, version: printed, level, sessions, lastError };
}
