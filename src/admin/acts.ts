/**
 * Requests that change something, between the guard and what they do: whoever asks is on record by the name of the token
 * that was sent, and a request that has an `Idempotency-Key`
 * (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header) is acted on once: the same one again,
 * sent by a balancer, a browser or whoever recorded it, is refused, and nothing is done.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../ports/clock.ts';
import { isChange } from './access.ts';
import { ApiError } from './errors.ts';
import { requireAccess } from './guard.ts';
import { NOBODY } from './schemas/verbs.ts';
import { isoTime } from './times.ts';

const HEADER = 'idempotency-key';
const FORM = /^[\x21-\x7e]{8,128}$/;
/** Keys that are remembered, the latest ones. */
const MOST_KEYS = 10_000;

interface Act {
  /** ms since the epoch. */
  readonly at: number;
  /** Of what was asked. */
  readonly digest: string;
}

/** What the body of each of them has. */
interface Body {
  by: string;
  readonly dryRun: boolean;
}

/** The acts of one gate. */
export class Acts {
  readonly #clock: Clock;
  readonly #acts = new Map<string, Act>();
  /** Those that are being done, or were, by the request that did. */
  readonly #keys = new WeakMap<FastifyRequest, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#acts.size;
  }

  /** A hook for requests whose body has been read. @throws {ApiError} if it was acted on already */
  async take(request: FastifyRequest): Promise<void> {
    const { url } = request.routeOptions;
    if (url === undefined || !isChange(requireAccess(request.method, url))) return;
    const body = request.body as Body;
    const name = request.holder?.name ?? null;
    const key = request.headers[HEADER];
    if (key !== undefined && !body.dryRun)
      this.#note(request, `${name} ${checkKey(key)}`, digestOf(url, body));
    if (name !== null) body.by = signed(name, body.by);
  }

  /** A hook for requests that were answered: of one that was refused nothing was done, and it may be asked again. */
  async release(request: FastifyRequest, { statusCode }: FastifyReply): Promise<void> {
    const key = this.#keys.get(request);
    if (key !== undefined && statusCode >= 400 && statusCode < 500) this.#acts.delete(key);
  }

  #note(request: FastifyRequest, key: string, digest: string): void {
    const before = this.#acts.get(key);
    if (before !== undefined) throw again(before, digest);
    this.#acts.set(key, { at: this.#clock.now(), digest });
    this.#keys.set(request, key);
    if (this.#acts.size <= MOST_KEYS) return;
    const [oldest = ''] = this.#acts.keys();
    this.#acts.delete(oldest);
  }
}

function checkKey(key: string | string[]): string {
  if (typeof key === 'string' && FORM.test(key)) return key;
  throw new ApiError(400, 'INVALID', 'Idempotency-Key: 8 to 128 printable characters, without a space');
}

function digestOf(url: string, body: Body): string {
  return createHash('sha256')
    .update(`${url} ${JSON.stringify(body)}`)
    .digest('base64');
}

function again({ at, digest }: Act, asked: string): ApiError {
  if (digest !== asked)
    return new ApiError(
      422,
      'KEY_REUSED',
      'this Idempotency-Key was used for another request: take a new one',
    );
  return new ApiError(409, 'REPLAYED', `this was asked already, at ${isoTime(at)}: nothing was done again`);
}

/** The name of the token comes first, which nobody can make up; what whoever has it calls themselves is in brackets. */
function signed(name: string, by: string): string {
  return by === NOBODY || by === name ? name : `${name} (${by})`;
}
