/** One request of OTLP over HTTP, and what its answer means (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP response"). */

/** `refused`: it is of no use to send it again. `away`: it is. */
export type Answer =
  | { readonly kind: 'taken'; readonly refused: number; readonly why: string | null }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'away'; readonly why: string; readonly retryAfterMs: number | null };

/** Sends a body. It never rejects. */
export type Post = (body: string) => Promise<Answer>;

/** By the specification; all others say that the request itself is at fault. */
const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** ms for one request. */
const TIMEOUT_MS = 10_000;
/** Characters of an answer that are looked at. */
const MOST_ANSWER = 10_000;

/**
 * @param url of the receiver's logs: `http://HOST:4318/v1/logs`
 * @param headers more of them, for receivers that want to know who sends
 */
export function createPost(url: string, headers: Readonly<Record<string, string>>): Post {
  return async (body) => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: { ...headers, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: 'error',
      });
      const text = (await response.text()).slice(0, MOST_ANSWER);
      return answerOf(response, text);
    } catch (error) {
      const { message, cause } = error as Error;
      return { kind: 'away', why: cause instanceof Error ? cause.message : message, retryAfterMs: null };
    }
  };
}

function answerOf({ ok, status, headers }: Response, text: string): Answer {
  if (ok) return { kind: 'taken', ...partialIn(text) };
  const why = `it answers with status ${status}`;
  if (!AGAIN.has(status)) return { kind: 'refused', why: `${why}; records that it refuses are lost` };
  const after = Number(headers.get('retry-after') ?? Number.NaN);
  return { kind: 'away', why, retryAfterMs: Number.isFinite(after) ? after * 1_000 : null };
}

/** A receiver may take some of the records only. */
function partialIn(text: string): { refused: number; why: string | null } {
  try {
    const { partialSuccess = {} } = JSON.parse(text);
    const refused = Number(partialSuccess.rejectedLogRecords ?? 0);
    return {
      refused: Number.isSafeInteger(refused) && refused > 0 ? refused : 0,
      why: partialSuccess.errorMessage || null,
    };
  } catch {
    return { refused: 0, why: null };
  }
}

/** Headers as OpenTelemetry's environment variables state them: `name=value,other=value`, values percent-encoded. */
export function headersIn(text: string): Record<string, string> {
  const entries = text.split(',').flatMap((pair): [string, string][] => {
    const at = pair.indexOf('=');
    return at <= 0 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())]];
  });
  return Object.fromEntries(entries);
}

/** As it is, where a percent sign is only that. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
