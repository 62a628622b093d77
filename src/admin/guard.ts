/**
 * Who may ask: a request that names the gate by a name that is its own (a page elsewhere can make any name lead here),
 * comes from no other origin, and has a token of the role that its route needs (access.ts). Nothing of a body is read
 * before.
 */

import net from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Role } from '../config/admin.ts';
import { type Access, accessOf, isChange, suffices } from './access.ts';
import type { Credentials, Holder } from './credentials.ts';
import { ApiError } from './errors.ts';
import type { FailedAttempts } from './failed-attempts.ts';

export interface GuardOptions {
  readonly credentials: Pick<Credentials, 'find' | 'made'>;
  /** Names by which the gate may be asked, beside localhost and addresses; null: over a socket that has none. */
  readonly hosts: readonly string[] | null;
  /** Whether `/metrics` is for viewers only. */
  readonly metricsToken: boolean;
  readonly failures: FailedAttempts;
  /** Whether it speaks TLS, and browsers are to stay with it. */
  readonly isSecure: boolean;
  /** Told the word of each refusal. */
  readonly refused: (error: string) => void;
}

/** What every answer tells a browser: run nothing from elsewhere, show it in no frame, keep it nowhere. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** Guards one admin side. */
export class Guard {
  readonly #options: GuardOptions;
  readonly #names: ReadonlySet<string> | null;

  constructor(options: GuardOptions) {
    this.#options = options;
    const { hosts } = options;
    this.#names = hosts && new Set(['localhost', ...hosts.map((host) => host.toLowerCase())]);
  }

  /** Whether only who has a token may read. */
  get isReadingGuarded(): boolean {
    return this.#options.credentials.made === null;
  }

  /** A hook for all requests. @throws {ApiError} where one is not allowed */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.headers(HEADERS);
    if (this.#options.isSecure) reply.header('strict-transport-security', 'max-age=31536000');
    try {
      checkHost(request.headers.host, this.#names);
      checkOrigin(request);
      const access = this.#accessOf(request);
      if (!this.#needsToken(access)) return;
      request.holder = await this.who(request, reply);
      this.#checkRole(request.holder, access, reply);
    } catch (error) {
      if (error instanceof ApiError) this.#options.refused(error.error);
      throw error;
    }
  }

  /**
   * Whose token a request has; null: it has none. A wrong one is answered the later, the more of them came from there.
   * @throws {ApiError} if it is nobody's
   */
  async who({ headers, socket }: FastifyRequest, reply: FastifyReply): Promise<Holder | null> {
    const [, sent] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    if (sent === undefined) return null;
    const holder = this.#options.credentials.find(sent);
    if (holder !== null) return holder;
    if (await this.#options.failures.note(socket.remoteAddress)) {
      challenge(reply);
      throw new ApiError(401, 'WRONG_TOKEN', 'this is no token of this gate');
    }
    reply.header('retry-after', '2');
    throw new ApiError(429, 'TOO_MANY_FAILURES', 'too many wrong tokens come from there: wait some seconds');
  }

  /** Of what is not there nobody needs a token to hear so. */
  #accessOf({ method, routeOptions: { url } }: FastifyRequest): Access {
    if (url === undefined) return 'anybody';
    if (url === '/metrics' && this.#options.metricsToken) return 'viewer';
    return requireAccess(method, url);
  }

  #needsToken(access: Access): boolean {
    return isChange(access) || (access === 'viewer' && this.isReadingGuarded);
  }

  #checkRole(holder: Holder | null, access: Access, reply: FastifyReply): asserts holder is Holder {
    if (holder === null) {
      challenge(reply);
      throw new ApiError(401, 'NO_TOKEN', this.#needed(access as Role));
    }
    if (suffices(holder.role, access)) return;
    throw new ApiError(
      403,
      'ROLE_TOO_LOW',
      `${holder.name} is of the role ${holder.role}: ${access} is needed`,
    );
  }

  #needed(access: Role): string {
    const how = 'sent as `Authorization: Bearer TOKEN`';
    return this.isReadingGuarded
      ? `this needs a token of the role ${access} or above, ${how}`
      : `what changes something needs the gate's token, ${how}; it is in the file that admin.tokenFile names`;
  }
}

/** What a route that is there needs. @throws {Error} if it is not in the table: nobody said who may ask for it */
export function requireAccess(method: string, url: string): Access {
  const access = accessOf(method, url);
  if (access === undefined) throw new Error(`${method} ${url} is not in src/admin/access.ts`);
  return access;
}

function challenge(reply: FastifyReply): void {
  reply.header('www-authenticate', 'Bearer realm="skewgate"');
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

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null: nobody who had to say so. */
    holder: Holder | null;
  }
}
