/** What the gate itself decides, whatever policy would say: limits, an orderly end, a pause, a client that left. */
import { refusal } from '../policy/decision.ts';
import type { ClientFacts, Decision } from '../policy/types.ts';
import { printVersion } from '../version/version.ts';
import type { Order } from './orders.ts';

/** @param client null before its hello */
export function draining(client: ClientFacts | null): Decision {
  return refusal('DRAINING', 'The gate is shutting down: come again.', { client: nameOf(client) });
}

/** A hold, until admission is resumed. @param now ms since the epoch */
export function paused(client: ClientFacts, { reason, until }: Order, now: number): Decision {
  const decision = refusal('PAUSED', `An operator paused admission${because(reason)}.`, {
    client: nameOf(client),
    ...(until !== null && { retryAfterMs: Math.ceil(Math.max(0, until - now)) }),
  });
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

/** An operator's reason in a sentence of the gate's. */
function because(reason: string): string {
  const words = reason.trim().replace(/[.!]+$/, '');
  return words === '' ? '' : ` (${words})`;
}

function nameOf(client: ClientFacts | null): string | null {
  return client && printVersion(client.version);
}
