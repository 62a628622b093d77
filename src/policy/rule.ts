/** What a rule is given and what it returns: the shapes shared by all rules. */
import type { Version } from '../version/version.ts';
import type { Code } from './codes.ts';
import type {
  ClientFacts,
  ClusterFacts,
  Move,
  Rule,
  ServerFacts,
  SkewPolicy,
  TraceStep,
  Verdict,
} from './types.ts';

/** A verdict with all that it takes to make a decision of it. */
export interface Ruling {
  readonly verdict: Verdict;
  readonly code: Code;
  readonly move?: Move | null;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** What a rule returns: whether it passes, why, and the ruling if this rule decides. */
export interface RuleResult {
  readonly rule: Rule;
  readonly outcome: TraceStep['outcome'];
  readonly because: string;
  /** What an admitted client should know all the same, as a sentence for people. */
  readonly notice?: string;
  readonly ruling?: Ruling;
}

/** A server whose version is known. */
export type KnownServer = ServerFacts & { readonly version: Version };

/** The facts that rules of a skew policy look at, with what they share worked out once. */
export interface RuleInput {
  readonly client: ClientFacts;
  readonly cluster: ClusterFacts;
  readonly policy: SkewPolicy;
  readonly known: readonly [KnownServer, ...KnownServer[]];
  /** Servers whose version was never learned. */
  readonly unknown: readonly ServerFacts[];
  /** Schema level of the system tables. */
  readonly level: number;
}

/** Whether the version of a server is known. */
export function isKnown(server: ServerFacts): server is KnownServer {
  return server.version !== null;
}

/** Narrows a list to one that has a first element. */
export function isNonEmpty<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}
