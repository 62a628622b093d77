/** What is told of a server as more becomes known of it: nothing where it stands as before. */
import type { ServerEvent } from '../events/events.ts';
import { printVersion } from '../version/version.ts';
import type { ServerState } from './server-state.ts';

/** What a server was, as far as it is told. */
export interface Standing {
  /** Null: nothing was known of it yet. */
  readonly state: ServerState['state'] | null;
  readonly version: string | null;
}

/** How a server stands now. */
export function standingOf({ state, version, knownAt }: ServerState): Standing {
  return {
    state: knownAt === Number.NEGATIVE_INFINITY ? null : state,
    version: version && printVersion(version),
  };
}

/** The event that tells of the change; null where there is none. */
export function newsOf(server: ServerState, before: Standing): ServerEvent | null {
  const { id, level, lastError } = server;
  const now = standingOf(server);
  if (before.state === now.state && before.version === now.version) return null;
  return {
    event: 'server',
    server: id,
    first: before.state === null,
    state: server.state,
    version: now.version,
    previousState: before.state,
    previousVersion: before.version,
    level,
    lastError,
  };
}
