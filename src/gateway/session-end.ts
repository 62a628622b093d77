/** What is told of a session that is over. */
import type { SessionEndEvent } from '../events/events.ts';
import type { End } from '../relay/relay.ts';
import type { SessionOver, SessionView } from './sessions.ts';

/** The event of a session's end. */
export function sessionEndEvent(
  session: SessionView,
  { reason, error, closed, durationMs }: End & SessionOver,
): SessionEndEvent {
  return {
    event: 'session-end',
    session: session.session,
    client: session.client,
    peer: session.peer,
    properties: session.properties,
    identity: session.identity,
    server: session.server,
    reason,
    code: closed?.code ?? null,
    message: closed?.message ?? null,
    error: error?.message ?? null,
    bytesFromClient: session.bytesFromClient,
    bytesFromServer: session.bytesFromServer,
    durationMs,
  };
}
