/** Makes a decision of what the rules found: at once, or in part when somebody reads it. */
import { printVersion } from '../version/version.ts';
import { CODES } from './codes.ts';
import { notesFor } from './move.ts';
import { type ClusterView, type RuleResult, type Ruling, spellOut } from './rule.ts';
import { effectiveLevel } from './rules.ts';
import type { ClientFacts, Decision, Policy, Rule } from './types.ts';

/** What the rules say of one client, whatever the time is. Its parts stay as they are. */
export interface Judgment {
  readonly client: ClientFacts;
  readonly policy: Policy;
  /** What the rules looked at: one server alone, where each is judged alone. */
  readonly cluster: ClusterView;
  /** The whole cluster. */
  readonly observed: ClusterView;
  /** The rule that decided. */
  readonly rule: Rule;
  /** Absent: the client is admitted. */
  readonly ruling: Ruling | undefined;
  /** Every rule that was applied, in order. */
  readonly steps: readonly RuleResult[];
}

/** The fields that programs go by, and that are known without a text being made. */
function outcomeOf({ rule, ruling }: Judgment, now: number) {
  const code = ruling?.code ?? 'PERMITTED';
  const { vendorCode, sqlState, retry } = CODES[code];
  return {
    verdict: ruling?.verdict ?? 'permit',
    code,
    rule,
    retry: ruling?.move ? 'after-change' : retry === 'after-change' ? 'later' : retry,
    // The protocol has whole milliseconds; rounded down, the next attempt would come too early.
    retryAfterMs: ruling?.retryAt === undefined ? null : Math.ceil(Math.max(0, ruling.retryAt - now)),
    vendorCode,
    sqlState,
  } as const;
}

/** The decision, written out. @param now ms since the epoch, for `retryAfterMs` */
export function conclude(judgment: Judgment, now: number): Decision {
  const { client, policy, cluster, observed, ruling, steps } = judgment;
  const { verdict, code, rule, retry, retryAfterMs, vendorCode, sqlState } = outcomeOf(judgment, now);
  const printed = printVersion(client.version);
  return {
    verdict,
    code,
    rule,
    client: printed,
    observed: observe(observed, policy),
    move: ruling?.move?.() ?? null,
    retry,
    retryAfterMs,
    vendorCode,
    sqlState,
    message: ruling ? spellOut(ruling.message) : `Client ${printed} is admitted.`,
    notices: steps.flatMap(({ notice }) => (notice === undefined ? [] : spellOut(notice))),
    notes: policy.kind === 'skew' ? notesFor(policy.catalogue, code, client, cluster.servers) : [],
    trace: steps.map(({ rule, outcome, because }) => ({ rule, outcome, because: spellOut(because) })),
  };
}

/**
 * The same decision, whose texts and lists are written when somebody reads one of them: most are given out again and
 * again. The judgment must be of facts that do not change any more.
 */
export function concludeLater(judgment: Judgment, now: number): Decision {
  const { verdict, code, rule, retry, retryAfterMs, vendorCode, sqlState } = outcomeOf(judgment, now);
  let written: Decision | null = null;
  const read = () => {
    written ??= conclude(judgment, now);
    return written;
  };
  const decision: Decision = {
    verdict,
    code,
    rule,
    get client() {
      return read().client;
    },
    get observed() {
      return read().observed;
    },
    get move() {
      return read().move;
    },
    retry,
    retryAfterMs,
    vendorCode,
    sqlState,
    get message() {
      return read().message;
    },
    get notices() {
      return read().notices;
    },
    get notes() {
      return read().notes;
    },
    get trace() {
      return read().trace;
    },
  };
  // Who prints it sees what the getters give.
  Object.defineProperty(decision, Symbol.for('nodejs.util.inspect.custom'), { value: read });
  return decision;
}

function observe(cluster: ClusterView, policy: Policy): Decision['observed'] {
  const versions = cluster.servers.extremes;
  if (versions === null) return { oldest: null, newest: null, level: cluster.level };
  return {
    oldest: printVersion(versions.oldest),
    newest: printVersion(versions.newest),
    level: policy.kind === 'skew' ? effectiveLevel(cluster, policy) : cluster.level,
  };
}
