/** What a rule is asked and what it answers: the shapes shared by all rules. */
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

/** What a rule found: enough to decide. */
export interface Finding {
  readonly verdict: Verdict;
  readonly code: Code;
  readonly move?: Move | null;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** A rule's answer: whether it passes, why, and if it decides, what. */
export interface Look {
  readonly rule: Rule;
  readonly outcome: TraceStep['outcome'];
  readonly because: string;
  readonly finding?: Finding;
}

/** A server whose version is known. */
export type KnownServer = ServerFacts & { readonly version: Version };

export interface Question {
  readonly client: ClientFacts;
  readonly cluster: ClusterFacts;
  readonly policy: SkewPolicy;
  readonly known: readonly [KnownServer, ...KnownServer[]];
  readonly unknown: readonly ServerFacts[];
  /** Of the system tables. */
  readonly level: number;
}

export function isKnown(server: ServerFacts): server is KnownServer {
  return server.version !== null;
}

export function isNonEmpty<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}
