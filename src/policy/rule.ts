/** What a rule is given and what it returns: the shapes shared by all rules. */
import type { Code } from './codes.ts';
import type { KnownServer, ServerSet } from './server-set.ts';
import type { ClientFacts, Move, Rule, SkewPolicy, TraceStep, UpgradeState, Verdict } from './types.ts';

/** A text, or how it is made of facts that do not change any more: most are never read. */
export type Text = string | (() => string);

/** A verdict with all that it takes to make a decision of it. */
export interface Ruling {
  readonly verdict: Verdict;
  readonly code: Code;
  /** Absent: nobody has to move. */
  readonly move?: () => Move;
  readonly message: Text;
  /** When to come again, ms since the epoch. */
  readonly retryAt?: number;
}

/** What a rule returns: whether it passes, why, and the ruling if this rule decides. */
export interface RuleResult {
  readonly rule: Rule;
  readonly outcome: TraceStep['outcome'];
  readonly because: Text;
  /** What an admitted client should know all the same, as a sentence for people. */
  readonly notice?: Text;
  readonly ruling?: Ruling;
}

/** The facts of a cluster as rules take them. */
export interface ClusterView {
  readonly servers: ServerSet;
  /** That clients may count on; null: not known. */
  readonly level: number | null;
  /** Where the tables are already; null: not known. */
  readonly reached: number | null;
  /** As it stands at the moment of the question: no time in it has passed. */
  readonly upgrade: UpgradeState;
}

/** The facts that rules of a skew policy look at, with what they share worked out once. */
export interface RuleInput {
  readonly client: ClientFacts;
  readonly cluster: ClusterView;
  readonly policy: SkewPolicy;
  /** Never empty. */
  readonly known: ServerSet<KnownServer>;
  /** Servers whose version was never learned. */
  readonly unknown: ServerSet;
  /** Schema level that clients may count on: what a client needs is held against it. */
  readonly level: number;
  /** Schema level that the system tables have reached, never below `level`: who is too old for them goes by it. */
  readonly reached: number;
}

/** The text itself. */
export function spellOut(text: Text): string {
  return typeof text === 'string' ? text : text();
}
