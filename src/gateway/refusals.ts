/** What the gate itself decides, whatever policy would say: limits, an orderly end, a pause, a client that left. */
import type { EarlyFault } from '../frontend/early-data.ts';
import { refusal } from '../policy/decision.ts';
import type { ClientFacts, Decision } from '../policy/types.ts';
import { printVersion } from '../version/version.ts';
import type { Order } from './orders.ts';
import type { SessionClose } from './sessions.ts';
import type { SourceLimit } from './sources.ts';

/**
 * @param client null before its hello
 * @param order what an operator ordered; absent: the gate stops
 */
export function draining(client: ClientFacts | null, order?: Order): Decision {
  const message =
    order === undefined
      ? 'The gate is shutting down: come again.'
      : `An operator drains ${placeOf(order)}${because(order.reason)}: connect to another one.`;
  return refusal('DRAINING', message, { client: nameOf(client) });
}

/** @param to the release line to move to; null: none is known */
export function releaseDrained(client: ClientFacts, { target, reason }: Order, to: string | null): Decision {
  const name = printVersion(client.version);
  const range = target.kind === 'clients' ? target.range : '';
  const way = to === null ? 'they have to be of another release' : `upgrade them to ${to}`;
  return refusal(
    'RELEASE_DRAINED',
    `An operator has clients of ${range} moved on${because(reason)}: ${way}.`,
    {
      client: name,
      move: { side: 'client', to: to ?? `a release outside ${range}`, who: [name] },
    },
  );
}

/** How a session ends that belongs to what an operator drains. */
export function drainedSession(order: Order): SessionClose {
  const { target, reason } = order;
  const code = target.kind === 'clients' ? 'RELEASE_DRAINED' : 'DRAINING';
  const how =
    target.kind === 'clients' ? `has clients of ${target.range} moved on` : `drains ${placeOf(order)}`;
  return { reason: 'drained', code, message: `An operator ${how}${because(reason)}.` };
}

/** How a session ends that an operator wanted to end. */
export function kickedSession(reason: string): SessionClose {
  return { reason: 'kicked', code: 'KICKED', message: `An operator ended the session${because(reason)}.` };
}

function placeOf({ target }: Order): string {
  if (target.kind === 'server') return `server ${target.id}`;
  return target.kind === 'listener' ? 'this address of the gate' : 'this gate';
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
  const message = `${limit} clients are on their way in already.`;
  return refusal('TOO_MANY_CONNECTIONS', message, { retryAfterMs, limit: 'handshakes' });
}

/** @param limit open sessions */
export function tooManySessions(limit: number, retryAfterMs: number): Decision {
  const message = `${limit} sessions are open already.`;
  return refusal('TOO_MANY_CONNECTIONS', message, { retryAfterMs, limit: 'sessions' });
}

/** @param source that the client comes from. @param limit that this source ran into */
export function tooManyOfSource(source: string, limit: SourceLimit, retryAfterMs: number): Decision {
  const message = `${OF_SOURCE[limit]} ${source} already.`;
  return refusal('TOO_MANY_CONNECTIONS', message, { retryAfterMs, limit });
}

const OF_SOURCE: Readonly<Record<SourceLimit, string>> = {
  connectionsPerSource: 'As many connections as one source may have come from',
  handshakesPerSource: 'As many clients as one source may have on their way in come from',
  connectRate: 'As many connections as one source may begin in a time have come from',
};

/** @param meant what the client would have been told */
export function faultyClient(
  { code, message, limit }: EarlyFault,
  { client, observed, trace }: Decision,
): Decision {
  return refusal(code, message, { client, observed, trace, limit });
}

/** @param lack of each way to be known: whether nothing was presented, or something that is not known */
export function notAuthenticated(
  client: string,
  lack: { readonly [Way in 'token' | 'certificate']?: 'missing' | 'unknown' },
): Decision {
  const ways = (['token', 'certificate'] as const).filter((way) => lack[way] !== undefined);
  const [missing, unknown] = (['missing', 'unknown'] as const).map((how) =>
    ways.filter((way) => lack[way] === how).map((way) => WAYS[way]),
  ) as [string[], string[]];
  const found = [
    ...(missing.length > 0 ? [`it presented no ${missing.join(' and no ')}`] : []),
    ...(unknown.length > 0 ? [`its ${unknown.join(' and its ')} is none that is known`] : []),
  ];
  const why = found.length > 0 ? found.join(', and ') : 'no client of this address can be';
  const to = `present a ${ways.map((way) => WAYS[way]).join(' or a ')} that is known`;
  return refusal('NOT_AUTHENTICATED', `The gate does not know this client: ${why}.`, {
    client,
    move: { side: 'client', to: ways.length > 0 ? to : 'come to another address', who: [client] },
  });
}

const WAYS = { token: 'token', certificate: 'client certificate' } as const;

/** @param versions ranges of the releases that it may be of, as the config states them */
export function claimNotAllowed(client: string, identity: string, versions: readonly string[]): Decision {
  const may = versions.join(' or ');
  return refusal('CLAIM_NOT_ALLOWED', `${identity} may be a client of ${may}, and not of ${client}.`, {
    client,
    move: {
      side: 'client',
      to: may.length > LONGEST_MOVE ? `${may.slice(0, LONGEST_MOVE - 1)}…` : may,
      who: [client],
    },
  });
}

/** Characters of `move.to` on the wire. */
const LONGEST_MOVE = 128;

/** An operator's reason in a sentence of the gate's. */
function because(reason: string): string {
  const words = reason.trim().replace(/[.!]+$/, '');
  return words === '' ? '' : ` (${words})`;
}

function nameOf(client: ClientFacts | null): string | null {
  return client && printVersion(client.version);
}
