/**
 * A service as a hook: POST the facts, then GET the address it names (or the same one with `?key=`) until it
 * says that the step is done. With a secret each request carries `x-skewgate-signature: sha256=HEX`, the
 * HMAC-SHA256 of `TIMESTAMP.METHOD.PATH.BODY` under it (PATH with its query), and the timestamp in
 * `x-skewgate-timestamp`: a request that was overheard is good for nothing else.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { type Clock, pause } from '../../ports/clock.ts';
import { type Hook, HookError } from './hook.ts';
import { progressOf } from './lines.ts';

export interface HttpHookOptions {
  readonly url: string;
  readonly secret?: string;
  readonly clock: Clock;
  /** ms between polls. */
  readonly poll?: number;
}

const answer = z.object({
  state: z.enum(['running', 'done', 'failed']),
  /** Where to ask again; relative to the hook's URL. */
  location: z.string().optional(),
  progress: z.union([z.string(), z.number().min(0).max(1)]).optional(),
  level: z.int().nullable().optional(),
  error: z.string().optional(),
});
type Answer = z.infer<typeof answer>;

const MAX_ANSWER = 65_536;
/** Requests in a row that may fail on the way; the service is asked about the same key again. */
const MAX_LOST = 5;

/** Makes a hook of a service, which is asked about a step under its key until it says that the step is done. */
export function createHttpHook({ url, secret, clock, poll = 1_000 }: HttpHookOptions): Hook {
  const sign = (method: string, at: string, body: string): Record<string, string> => {
    if (secret === undefined) return {};
    const timestamp = String(Math.round(clock.now()));
    const { pathname, search } = new URL(at);
    const signed = `${timestamp}.${method}.${pathname}${search}.${body}`;
    const mac = createHmac('sha256', secret).update(signed).digest('hex');
    return { 'x-skewgate-timestamp': timestamp, 'x-skewgate-signature': `sha256=${mac}` };
  };
  const ask = async (
    method: 'POST' | 'GET',
    at: string,
    body: string,
    signal: AbortSignal,
  ): Promise<Answer> => {
    const response = await fetch(at, {
      method,
      signal,
      // Followed, a redirect would carry the facts to whoever it names.
      redirect: 'manual',
      headers: {
        ...(method === 'POST' && { 'content-type': 'application/json' }),
        ...sign(method, at, body),
      },
      ...(method === 'POST' && { body }),
    });
    const text = await readText(response);
    if (response.status >= 500) throw new Error(`${at} answered ${response.status}: ${text.slice(0, 200)}`);
    if (!response.ok) throw new HookError(`${at} answered ${response.status}: ${text.slice(0, 200)}`);
    const parsed = answer.safeParse(parseJson(text));
    if (!parsed.success)
      throw new HookError(
        `${at} did not answer with {"state": "running" | "done" | "failed", …}: ${text.slice(0, 200)}`,
      );
    return parsed.data;
  };

  return {
    name: url,
    async run(facts, { signal, progress }) {
      const body = JSON.stringify(facts);
      let method: 'POST' | 'GET' = 'POST';
      let at = url;
      let lost = 0;
      for (;;) {
        try {
          const said: Answer = await ask(method, at, method === 'POST' ? body : '', signal);
          lost = 0;
          if (said.state === 'done') return { level: said.level ?? null };
          if (said.state === 'failed')
            throw new HookError(said.error ?? `${url} says that the step failed`, { said: true });
          if (said.progress !== undefined) progress(progressOf(said.progress));
          method = 'GET';
          at = new URL(said.location ?? `?key=${encodeURIComponent(facts.key)}`, url).href;
        } catch (error) {
          if (signal.aborted) throw new HookError(`${url}: stopped waiting for it`);
          if (error instanceof HookError) throw error;
          // The request may have arrived: asking again under the same key does no harm, giving up would.
          if (++lost > MAX_LOST) throw new HookError(`${url}: ${reasonOf(error as Error)}`, { cause: error });
        }
        await pause(clock, poll, signal);
      }
    },
  };
}

/** Up to MAX_ANSWER; the rest is not read. */
async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ANSWER) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, MAX_ANSWER);
}

/** What fetch keeps in `cause`: which address refused, and how. */
function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error && cause.message !== '' ? `${message}: ${cause.message}` : message;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
