/** Servers as a status shows them. */
import { printVersion } from '../version/version.ts';
import type { ServerState, ServerStatus } from './server-state.ts';

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
  /** When the question was asked whose answer all this is, monotonic; null: there was none yet. */
  readonly knownAt: number | null;
}

/** A server at this moment, printed. */
export function viewOf(server: ServerState): ServerView {
  const { id, address, state, version, level, sessions, lastError, entry, knownAt } = server;
  const printed = version && printVersion(version);
  const { protocol } = entry.backEnd;
  return {
    id,
    address,
    protocol,
    state,
    version: printed,
    level,
    sessions,
    lastError,
    knownAt: Number.isFinite(knownAt) ? knownAt : null,
  };
}
