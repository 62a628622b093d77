/** What the gate itself decides, whatever policy would say: limits, an orderly end, a pause, a client that left. */
import { refusal } from '../policy/decision.ts';
import type { ClientFacts, Decision } from '../policy/types.ts';
import { printVersion } from '../version/version.ts';

/** @param client null before its hello */
export function draining(client: ClientFacts | null): Decision {
  return refusal('DRAINING', 'The gate is shutting down: come again.', { client: nameOf(client) });
}

/** A hold, until admission is resumed. */
export function paused(client: ClientFacts): Decision {
  const decision = refusal('PAUSED', 'An operator paused admission.', { client: nameOf(client) });
  return { ...decision, verdict: 'hold' };
}

/** @param meant what the client would have been told */
export function clientLeft(meant: Decision): Decision {
  const { client, observed, trace } = meant;
  const message = `The client left before a verdict could be given. At that moment: ${meant.message}`;
  return refusal('CLIENT_LEFT', message, { client, observed, trace });
}

/** @param limit clients on their way in */
export function tooManyHandshakes(limit: number, retryAfterMs: number): Decision {
  return refusal('TOO_MANY_CONNECTIONS', `${limit} clients are on their way in already.`, { retryAfterMs });
}

/** @param limit open sessions */
export function tooManySessions(limit: number, retryAfterMs: number): Decision {
  return refusal('TOO_MANY_CONNECTIONS', `${limit} sessions are open already.`, { retryAfterMs });
}

function nameOf(client: ClientFacts | null): string | null {
  return client && printVersion(client.version);
}
