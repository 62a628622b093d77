/**
 * What a reload changes of a gate that runs, beside its servers, listeners and log. It is taken whole, in one turn;
 * whoever works by it reads it each time, and keeps no copy over a wait.
 */

import type { ClusterTimes } from '../cluster/cluster.ts';
import type { SourceLimits } from '../config/limits.ts';
import type { OnSkew } from '../config/on-skew.ts';
import type { Traces } from '../decision/traces.ts';
import type { Policy } from '../policy/types.ts';
import { Changes } from '../ports/changes.ts';
import type { AdmissionTimes } from './admission.ts';
import type { Authentication } from './authentication.ts';

export interface SettingValues {
  readonly policy: Policy;
  readonly policyHash: string;
  /** Who clients are. */
  readonly authentication: Authentication;
  /** Names of the client properties that may be recorded. */
  readonly recordedProperties: readonly string[];
  /** What becomes of open sessions whose clients would not be admitted any more. */
  readonly onSkew: OnSkew;
  /** Which handshake records hold the trace. */
  readonly traces: Traces;
  /** What holds for each source that clients come from. */
  readonly sourceLimits: SourceLimits;
  readonly times: AdmissionTimes &
    ClusterTimes & {
      /** ms that sessions get to end when the gate drains. */
      readonly drain: number;
      /** ms that a session may carry nothing before it is ended; 0: any time. */
      readonly idle: number;
      /** ms that a gate which is about to take no clients any more still takes them, so that balancers notice. */
      readonly lameDuck: number;
    };
}

/** The settings of one gate, as they are now. */
export class Settings implements SettingValues {
  /** Told when they were replaced: a verdict may be another one now. */
  readonly changes = new Changes();
  #values: SettingValues;

  constructor(values: SettingValues) {
    this.#values = values;
  }

  get policy(): Policy {
    return this.#values.policy;
  }

  get policyHash(): string {
    return this.#values.policyHash;
  }

  get authentication(): Authentication {
    return this.#values.authentication;
  }

  get recordedProperties(): readonly string[] {
    return this.#values.recordedProperties;
  }

  get traces(): Traces {
    return this.#values.traces;
  }

  get onSkew(): OnSkew {
    return this.#values.onSkew;
  }

  get sourceLimits(): SourceLimits {
    return this.#values.sourceLimits;
  }

  get times(): SettingValues['times'] {
    return this.#values.times;
  }

  /** Replaces all of them. */
  take(values: SettingValues): void {
    this.#values = values;
    this.changes.notify();
  }
}
