/**
 * etcd's JSON gateway (`/v3/…` over HTTP, from etcd 3.4 on; https://etcd.io/docs/latest/dev-guide/api_grpc_gateway):
 * keys and values are base64, 64-bit integers are strings, and what is zero, false or empty is left out. Members are
 * tried in turn, each once, and the one that answered last first.
 */
import { setTimeout } from 'node:timers/promises';

/** For one request, ms, whichever members it is tried at. */
export const CALL_TIMEOUT = 3_000;
/** Bytes: years of history, which is read whole. */
const MAX_ANSWER = 64 * 1_048_576;
/** Before a watch that broke off is begun at the next member, ms. */
const WATCH_PAUSE = 250;
/** gRPC's codes of what another member may be able to do: UNKNOWN, DEADLINE_EXCEEDED, UNAVAILABLE. */
const WORTHWHILE: ReadonlySet<number> = new Set([2, 4, 14]);

/** An answer of etcd that is an error. `code` is gRPC's. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** A way to the members of one etcd. */
export class EtcdGateway {
  readonly #origins: readonly string[];
  readonly #closing = new AbortController();
  /** Where the next request is tried first. */
  #first = 0;

  /** @param hosts `HOST:PORT` of the members, which are spoken to without TLS. */
  constructor(hosts: readonly string[]) {
    this.#origins = hosts.map((host) => `http://${host}`);
  }

  /**
   * Asks one member after the other until one answers.
   * @param path below `/v3/`, such as `kv/range`
   * @param timeout ms for all tries together
   * @throws {EtcdError} what etcd itself says, or {Error} saying of each member why it gave no answer
   */
  async call(path: string, body: object, timeout = CALL_TIMEOUT): Promise<Answer> {
    const failures = new Map<number, string>();
    const first = this.#first;
    for (let turn = 0; turn < this.#origins.length; turn++) {
      const at = (first + turn) % this.#origins.length;
      try {
        const answer = await this.#ask(at, path, body, timeout / this.#origins.length);
        this.#first = at;
        return answer;
      } catch (error) {
        if (this.#closing.signal.aborted) throw new Error('closed');
        if (error instanceof EtcdError && !WORTHWHILE.has(error.code)) throw error;
        failures.set(at, whyOf(error as Error));
      }
    }
    // In the order of the members, so that the same trouble reads the same each time.
    const reasons = this.#origins.map(
      (origin, at) => `${origin.slice('http://'.length)}: ${failures.get(at)}`,
    );
    throw new Error(reasons.join('; '));
  }

  /** Calls `changed` whenever something happens to `key`, and each time that watching begins. Returns what ends it. */
  watch(key: string, changed: () => void): () => void {
    const ended = new AbortController();
    void this.#keepWatching(encode(key), changed, AbortSignal.any([ended.signal, this.#closing.signal]));
    return () => ended.abort();
  }

  /** Ends what is under way; nothing can be asked any more. */
  close(): void {
    this.#closing.abort();
  }

  async #ask(at: number, path: string, body: object, timeout: number): Promise<Answer> {
    const limit = AbortSignal.timeout(timeout);
    const signal = AbortSignal.any([limit, this.#closing.signal]);
    try {
      const response = await this.#post(at, path, body, signal);
      const time = Date.parse(response.headers.get('date') ?? '');
      // The header counts whole seconds.
      const answer = answerIn(await textOf(response), response.status);
      return Number.isNaN(time) ? answer : { ...answer, time: time + 500 };
    } catch (error) {
      throw limit.aborted ? new Error(`no answer within ${Math.round(timeout) / 1_000} s`) : error;
    }
  }

  #post(at: number, path: string, body: object, signal: AbortSignal): Promise<Response> {
    return fetch(`${this.#origins[at]}/v3/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal,
    });
  }

  async #keepWatching(key: string, changed: () => void, signal: AbortSignal): Promise<void> {
    for (let at = this.#first; !signal.aborted; at = (at + 1) % this.#origins.length) {
      // Whoever watches reads at intervals as well: without a watch, changes are only heard of later.
      await this.#watchAt(at, key, changed, signal).catch(() => {});
      await setTimeout(WATCH_PAUSE, undefined, { signal }).catch(() => {});
    }
  }

  /** Resolves or rejects when the stream ends. What is in it does not matter: all of it is news. */
  async #watchAt(at: number, key: string, changed: () => void, signal: AbortSignal): Promise<void> {
    const silent = new AbortController();
    const late = AbortSignal.timeout(CALL_TIMEOUT);
    const giveUp = () => silent.abort();
    late.addEventListener('abort', giveUp);
    const body = { create_request: { key } };
    const response = await this.#post(at, 'watch', body, AbortSignal.any([signal, silent.signal]));
    late.removeEventListener('abort', giveUp);
    if (!response.ok) return response.body?.cancel();
    for await (const chunk of response.body ?? []) if (chunk.length > 0 && !signal.aborted) changed();
  }
}

/** What etcd answered, as far as a ledger needs it. */
export interface Answer {
  /** The member's time of day when it answered, ms since the epoch. */
  readonly time?: number;
  readonly header?: { readonly revision?: string };
  readonly kvs?: readonly KeyValue[];
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly response_range?: { readonly kvs?: readonly KeyValue[] } }[];
  readonly ID?: string;
  readonly TTL?: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision?: string;
  readonly lease?: string;
}

/** A key or a value, as the gateway wants it. */
export function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A key or a value, from what the gateway gives; an empty one is left out. */
export function decode(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('utf8');
}

/** The range of all keys that begin with `prefix`, which ends with an ASCII character. */
export function keysUnder(prefix: string): { readonly key: string; readonly range_end: string } {
  const end = Buffer.from(prefix);
  const last = end.length - 1;
  end[last] = (end[last] as number) + 1;
  return { key: encode(prefix), range_end: end.toString('base64') };
}

/** Streams put their one answer into `result`, and errors into `error`, with status 200. */
function answerIn(text: string, status: number): Answer {
  let parsed: { result?: Answer; error?: unknown; message?: string; code?: number };
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error(`answered ${status}: ${text.slice(0, 200)}`);
  }
  if (parsed.error === undefined) return parsed.result ?? (parsed as Answer);
  const inner = (typeof parsed.error === 'object' ? parsed.error : parsed) as {
    message?: string;
    code?: number;
    grpc_code?: number;
  };
  throw new EtcdError(inner.message ?? text.slice(0, 200), inner.grpc_code ?? inner.code ?? 2);
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ANSWER) throw new EtcdError(`an answer of more than ${MAX_ANSWER} bytes`, 8);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What fetch keeps in `cause`: which address refused, and how. */
function whyOf({ message, cause }: Error): string {
  if (!(cause instanceof Error)) return message;
  return cause.message || (cause as NodeJS.ErrnoException).code || message;
}
