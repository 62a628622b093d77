/** What the decision log holds: one record per handshake, session end, and change of cluster or migration. */
import type { ClusterChange } from '../cluster/cluster.ts';
import type { Decision } from '../policy/types.ts';

export interface HandshakeRecord extends Decision {
  readonly event: 'handshake';
  /** The `cluster` of the config. */
  readonly gate: string;
  readonly connection: string;
  readonly listener: string;
  readonly peer: string;
  readonly driver: string | null;
  readonly session: string | null;
  readonly server: string | null;
  readonly serverVersion: string | null;
  /** What the client waited for, if it did: the code of the first verdict that held it. */
  readonly waitedFor: string | null;
  /** ms of each phase; null: not reached. */
  readonly phases: {
    readonly hello: number | null;
    readonly held: number;
    readonly dial: number | null;
    readonly total: number;
  };
  /** First 12 hex digits of the SHA-256 of the policy. */
  readonly policy: string;
}

export interface SessionEndRecord {
  readonly event: 'session-end';
  readonly gate: string;
  readonly session: string;
  readonly client: string;
  readonly server: string;
  readonly reason: string;
  readonly error: string | null;
  readonly bytesFromClient: number;
  readonly bytesFromServer: number;
  readonly ms: number;
}

export interface ClusterRecord extends ClusterChange {
  readonly event: 'cluster';
  readonly gate: string;
}

export interface GateRecord {
  readonly event: 'gate';
  readonly gate: string;
  /**
   * `fault`: the program itself failed over one client, and `error` says how. `signal-ignored`: the process got a
   * signal that does nothing, and `error` says which.
   */
  readonly what: 'started' | 'draining' | 'stopped' | 'fault' | 'signal-ignored';
  readonly policy: string;
  readonly listeners: readonly string[];
  readonly error: string | null;
}

export interface MigrationRecord {
  readonly event: 'migration';
  readonly gate: string;
  readonly what: string;
  readonly [field: string]: unknown;
}

/** Stands where records are missing: the disk, or the reader of a pipe, did not take them. */
export interface LostRecord {
  readonly event: 'log-lost';
  readonly lost: number;
  /** When the first of them was lost. */
  readonly since: string;
}

export type LogRecord =
  | HandshakeRecord
  | SessionEndRecord
  | ClusterRecord
  | GateRecord
  | MigrationRecord
  | LostRecord;

/** Where records go. `write` never throws and never waits. */
export interface DecisionLog {
  write(record: LogRecord): void;
  /** Resolves once what was written is out, or known to be lost. */
  close(): Promise<void>;
}
