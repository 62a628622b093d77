/** Decisions that no policy rule makes: a bad handshake, a limit, a server out of reach. */
import { CODES, type Code } from './codes.ts';
import type { Decision, Move } from './types.ts';

/** A refusal with everything that follows from its code. Its rule is `gate`, unless a rule of the policy is named. */
export function refusal(
  code: Code,
  message: string,
  about: {
    readonly client?: string | null;
    readonly observed?: Decision['observed'];
    readonly move?: Move | null;
    readonly retryAfterMs?: number;
    readonly rule?: Decision['rule'];
    readonly trace?: Decision['trace'];
    readonly limit?: string | undefined;
  } = {},
): Decision {
  const { vendorCode, sqlState, retry } = CODES[code];
  const rule = about.rule ?? 'gate';
  return {
    verdict: 'refuse',
    code,
    rule,
    client: about.client ?? null,
    observed: about.observed ?? { oldest: null, newest: null, level: null },
    move: about.move ?? null,
    retry,
    retryAfterMs: about.retryAfterMs ?? null,
    ...(about.limit !== undefined && { limit: about.limit }),
    vendorCode,
    sqlState,
    message,
    notices: [],
    notes: [],
    trace: [...(about.trace ?? []), { rule, outcome: 'fail', because: message }],
  };
}

/** What a held client is told when its wait is over: the same finding, now a refusal. */
export function giveUp(held: Decision, waitedMs: number): Decision {
  const after = `after a wait of ${Math.round(waitedMs / 100) / 10} s`;
  return { ...held, verdict: 'refuse', message: `${held.message} Refused ${after}.` };
}
