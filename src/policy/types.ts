/** What policy is asked, and what it answers. Plain data, no behaviour. */
import type { Catalogue } from '../version/catalogue.ts';
import type { Version } from '../version/version.ts';
import type { Code, OpenCode, Retry } from './codes.ts';

/** Protocol versions one side speaks, both ends included (preset `ranges`). */
export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}

export interface ClientFacts {
  readonly version: Version;
  /** Whether this client may bring the one-time upgrade. */
  readonly upgrade: 'may' | 'must-not';
  readonly protocol?: ProtocolRange;
}

export interface ServerFacts {
  readonly id: string;
  /** Last known; null when it was never learned. */
  readonly version: Version | null;
  /** `draining`: announced that it leaves; takes no new sessions. */
  readonly state: 'up' | 'draining' | 'down';
  /** Schema level of the system tables as this server says; null or absent: it does not say. */
  readonly level?: number | null;
  /** Why it is down, as a clause, where that is known. */
  readonly lastError?: string | null;
  readonly protocol?: ProtocolRange;
}

/** What has to come before an upgrade may begin: the fact that says which move helps. */
export type MissingForUpgrade =
  | { readonly kind: 'approval' }
  /** `opensAt`: ms since the epoch. */
  | { readonly kind: 'window'; readonly opensAt: number }
  /** Only the client whose property `name` is this may bring it. */
  | { readonly kind: 'canary'; readonly name: string }
  /** So many more distinct newer clients have to come. */
  | { readonly kind: 'clients'; readonly more: number }
  /** The catalogue does not allow it; `remedy` is what an operator does about it, in the imperative. */
  | { readonly kind: 'catalogue'; readonly remedy: string }
  /** What this gate was given does not allow it; `remedy` as above. */
  | { readonly kind: 'config'; readonly remedy: string }
  /** The ledger is not the one it was: an operator has to bring it back, or to accept this one. */
  | { readonly kind: 'ledger' };

/** Where the one-time upgrade stands. Times in ms since the epoch. */
export type UpgradeState =
  /** `approved`: an operator approved, which stands in for `autoUpgrade`. */
  | { readonly state: 'idle'; readonly approved?: boolean }
  /** May not start yet for this client; `for` is what is missing, as a clause for people. */
  | { readonly state: 'waiting'; readonly for: string; readonly missing: MissingForUpgrade }
  /** `downtime`: nobody is admitted until it is done; `holdAll`: everybody waits for it. */
  | { readonly state: 'running'; readonly downtime: boolean; readonly holdAll?: boolean }
  | { readonly state: 'blocked'; readonly reason: string; readonly until: number | null }
  /** `retryAt` null: no further attempt until an operator acts. */
  | { readonly state: 'failed'; readonly error: string; readonly retryAt: number | null }
  /** The ledger is out of reach; `stale`: for so long that nobody can be served by what it said last. */
  | { readonly state: 'unavailable'; readonly why?: string; readonly stale?: boolean };

/** The whole set of servers behind one gate address, with what they share. */
export interface ClusterFacts {
  readonly servers: readonly ServerFacts[];
  /** Schema level of the system tables; null: not reported, so that of the oldest server's release. */
  readonly level: number | null;
  /** Where the tables are already, while `level` is only what clients may count on; null or absent: at `level`. */
  readonly reached?: number | null;
  readonly upgrade: UpgradeState;
}

export type Scope = 'cluster' | 'server';

export interface SkewPolicy {
  readonly kind: 'skew';
  readonly name: string;
  /** `cluster`: every server counts (M1, M2). `server`: only the one that would serve. */
  readonly scope: Scope;
  /** How many minors a client may be older than the newest server; null: any number inside a major. */
  readonly window: number | null;
  /** Whether M3 applies: releases have schema levels. */
  readonly systemTables: boolean;
  /** Whether M4's lockstep and the check for servers behind the tables apply. */
  readonly lockstep: boolean;
  /** False: a needed upgrade is refused with UPGRADE_REQUIRED until an operator acts. */
  readonly autoUpgrade: boolean;
  readonly catalogue: Catalogue;
}

/** Each side states the protocol versions it speaks; they overlap or the client is refused. */
export interface RangesPolicy {
  readonly kind: 'ranges';
  readonly name: string;
  readonly scope: Scope;
}

export type Policy = SkewPolicy | RangesPolicy;

/** Whether a policy knows system tables: without them there is nothing to upgrade, and no ledger. */
export function hasSystemTables(policy: Policy): policy is SkewPolicy {
  return policy.kind === 'skew' && policy.systemTables;
}

/** Ids of domain rules; `ranges` for the preset of that name; `gate` for what no policy rule decides. */
export const RULES = ['P1', 'M1', 'M2', 'M3', 'M4', 'M5', 'J1', 'N1', 'ranges', 'gate'] as const;
export type Rule = (typeof RULES)[number];
/** A rule as a reader gets it: a later gate may have rules that are unknown here. */
export type OpenRule = Rule | (string & {});

/** Closed: a new verdict needs a new protocol revision. */
export const VERDICTS = ['permit', 'migrate', 'hold', 'refuse'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What would change the answer. */
export interface Move {
  /** Who has to act. Closed: a new side needs a new protocol revision. */
  readonly side: 'client' | 'server' | 'operator';
  /** A release line (`4.15`), a full version where the patch matters, or what an operator should do. */
  readonly to: string;
  /** Server ids, or the client's version. */
  readonly who: readonly string[];
}

/** One rule that was applied, and its result. */
export interface TraceStep {
  readonly rule: Rule;
  readonly outcome: 'pass' | 'fail' | 'skip';
  readonly because: string;
}

export interface Note {
  readonly release: string;
  readonly text: string;
  readonly link: string | null;
}

/** The whole answer, as programs read it: JSON-ready, versions printed. */
export interface Decision {
  readonly verdict: Verdict;
  readonly code: Code;
  readonly rule: Rule;
  readonly client: string | null;
  /** What the client was judged against: the cluster as it was seen. */
  readonly observed: {
    readonly oldest: string | null;
    readonly newest: string | null;
    readonly level: number | null;
  };
  readonly move: Move | null;
  readonly retry: Retry;
  /** When to come again, where that is known; ms from now. */
  readonly retryAfterMs: number | null;
  /** The limit that the client ran into, by its key in the gate's config; absent: none, it was judged. */
  readonly limit?: string;
  readonly vendorCode: number | null;
  readonly sqlState: string | null;
  readonly message: string;
  /** What an admitted client should know all the same; sentences for people. */
  readonly notices: readonly string[];
  readonly notes: readonly Note[];
  readonly trace: readonly TraceStep[];
}

/**
 * A decision as it comes over the wire, perhaps from a later gate: codes, rules and outcomes may be words that this
 * version does not know. `verdict`, `retry` and `move.side` are closed and never surprise a reader.
 */
export interface ReceivedDecision extends Omit<Decision, 'code' | 'rule' | 'notices' | 'trace' | 'limit'> {
  readonly code: OpenCode;
  readonly rule: OpenRule;
  readonly trace: readonly ReceivedTraceStep[];
}

/** A step of a trace as it comes over the wire. */
export interface ReceivedTraceStep {
  readonly rule: OpenRule;
  readonly outcome: TraceStep['outcome'] | (string & {});
  readonly because: string;
}
