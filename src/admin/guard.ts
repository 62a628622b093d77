/**
 * Who may ask: a request that names the gate by a name that is its own (a page elsewhere can make any name lead here),
 * comes from no other origin, and has the token if it may change something. Nothing of a body is read before.
 */

import net from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './errors.ts';
import { isSameToken } from './token.ts';

export interface GuardOptions {
  readonly token: string;
  /** Names by which the gate may be asked, beside localhost and addresses; null: over a socket that has none. */
  readonly hosts: readonly string[] | null;
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** What every answer tells a browser: run nothing from elsewhere, show it in no frame, keep it nowhere. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** A hook for all requests. It throws {ApiError} where one is not allowed. */
export function createGuard({ token, hosts }: GuardOptions) {
  const known = hosts && new Set(['localhost', ...hosts.map((host) => host.toLowerCase())]);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.headers(HEADERS);
    checkHost(request.headers.host, known);
    checkOrigin(request);
    if (!SAFE.has(request.method) && request.routeOptions.config.isHarmless !== true)
      checkToken(request, reply, token);
  };
}

function checkHost(host: string | undefined, known: ReadonlySet<string> | null): void {
  // A browser always sends one; a balancer that speaks HTTP/1.0 need not.
  if (known === null || host === undefined) return;
  const name = nameOf(host);
  if (known.has(name) || net.isIP(name) !== 0) return;
  throw new ApiError(
    421,
    'WRONG_HOST',
    `this gate does not go by the name ${JSON.stringify(name)}: ask it by its address, or state the name in admin.hosts`,
  );
}

/** Without port and brackets. */
function nameOf(host: string): string {
  const [, v6, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (v6 ?? name ?? host).toLowerCase();
}

function checkOrigin({ headers }: FastifyRequest): void {
  const { origin, host } = headers;
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return;
  throw new ApiError(403, 'WRONG_ORIGIN', `pages of ${origin} may not ask this gate`);
}

function checkToken({ headers }: FastifyRequest, reply: FastifyReply, token: string): void {
  const [, sent] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  if (sent !== undefined && isSameToken(sent, token)) return;
  reply.header('www-authenticate', 'Bearer realm="skewgate"');
  if (sent !== undefined) throw new ApiError(401, 'WRONG_TOKEN', "this is not the gate's token");
  throw new ApiError(
    401,
    'NO_TOKEN',
    "what changes something needs the gate's token, sent as `Authorization: Bearer TOKEN`; it is in the file that admin.tokenFile names",
  );
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route that takes a body and changes nothing. */
    readonly isHarmless?: boolean;
  }
}
