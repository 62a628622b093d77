/** What runs one step of an upgrade. test/migration/hook-contract.ts says what each implementation has to do. */
import type { ProcessInfo } from '../../process/find-process.ts';

export interface HookFacts {
  readonly cluster: string;
  /**
   * Release where the tables are: as recorded or stated, else the lowest one of their level; null when none is known
   * for it.
   */
  readonly from: string | null;
  readonly to: string;
  readonly fromLevel: number;
  readonly toLevel: number;
  /** 1 for the first. */
  readonly step: number;
  readonly steps: number;
  readonly attempt: number;
  /** Fencing token: only grows; refuse work under a lower one than was seen. */
  readonly token: number;
  /** Identity of the ledger that gave the token: two ledgers give equal ones. Null: it has none. */
  readonly ledger: string | null;
  /** Idempotency key: the same for every attempt at the same step. */
  readonly key: string;
  /** Version of the client that brought the upgrade. */
  readonly client: string;
}

export interface HookContext {
  /** Aborts at the deadline, when the claim is lost, or when an operator says so. */
  readonly signal: AbortSignal;
  /** `done` 0 to 1, null when unknown. */
  readonly progress: (progress: { readonly done: number | null; readonly text: string }) => void;
  /** A process was started that may outlive the gate; resolves once that is recorded. */
  readonly started: (process: ProcessInfo) => Promise<void>;
}

export interface Hook {
  readonly name: string;
  /** Called as the gate starts, which it does not if what the hook is made of is not there. @throws {HookError} */
  prepare?(): Promise<void>;
  /** Resolves once the step is done: with the level that the tables are at, if the hook knows. @throws {HookError} */
  run(facts: HookFacts, context: HookContext): Promise<{ readonly level: number | null }>;
}

/** The step failed, or nobody can say whether it is done. */
export class HookError extends Error {
  override readonly name = 'HookError';
  /** It was the hook that said so: it could be started, and ended by itself. */
  readonly said: boolean;

  constructor(
    message: string,
    { said = false, ...options }: ErrorOptions & { readonly said?: boolean } = {},
  ) {
    super(message, options);
    this.said = said;
  }
}

/** The environment of a command hook, and the names of the fields that a module or an HTTP hook gets. */
export function environmentOf(facts: HookFacts): Record<string, string> {
  return {
    SKEWGATE_CLUSTER: facts.cluster,
    SKEWGATE_FROM: facts.from ?? '',
    SKEWGATE_TO: facts.to,
    SKEWGATE_FROM_LEVEL: String(facts.fromLevel),
    SKEWGATE_TO_LEVEL: String(facts.toLevel),
    SKEWGATE_STEP: String(facts.step),
    SKEWGATE_ATTEMPT: String(facts.attempt),
    SKEWGATE_TOKEN: String(facts.token),
    SKEWGATE_LEDGER: facts.ledger ?? '',
    SKEWGATE_KEY: facts.key,
    SKEWGATE_CLIENT: facts.client,
  };
}
