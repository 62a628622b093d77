/**
 * What the decision log holds: a record for each event, which is the event with the identity of the gate that saw
 * it. A handshake's record is flat: the fields of the decision stand beside those of the connection.
 */
import type {
  HandshakeEvent,
  LifecycleEvent,
  MigrationEvent,
  OperatorEvent,
  ServerEvent,
  SessionEndEvent,
  TurnedAwayEvent,
} from '../events/events.ts';
import type { Decision } from '../policy/types.ts';
import type { Prepared } from '../ports/prepared.ts';
import type { FileRules } from './file.ts';

/** Which gate wrote a record, and whose servers it stands in front of. */
export interface Identity {
  /** The gate's `id`, which tells it from the other gates of its cluster. */
  readonly gate: string;
  /** The name of the cluster. */
  readonly cluster: string;
}

export type HandshakeRecord = Identity &
  Omit<HandshakeEvent, 'decision'> &
  Omit<Decision, 'trace'> & {
    /** Absent where the log was not asked for it. */
    readonly trace?: Decision['trace'];
  };
export type SessionEndRecord = Identity & SessionEndEvent;
export type TurnedAwayRecord = Identity & TurnedAwayEvent;
export type ServerRecord = Identity & ServerEvent;
export type LifecycleRecord = Identity & LifecycleEvent;
export type OperatorRecord = Identity & OperatorEvent;
export type MigrationRecord = Identity & MigrationEvent;

/** Stands where records are missing: the disk, or the reader of a pipe, did not take them. */
export type LostRecord = Identity & {
  readonly event: 'log-lost';
  readonly lost: number;
  /** When the first of them was lost, ISO 8601. */
  readonly since: string;
};

export type LogRecord =
  | HandshakeRecord
  | SessionEndRecord
  | TurnedAwayRecord
  | ServerRecord
  | LifecycleRecord
  | OperatorRecord
  | MigrationRecord
  | LostRecord;

/** Where records go. `write` never throws and never waits. */
export interface DecisionLog {
  /** Records that were lost so far, in all. */
  readonly lostInAll: number;
  write(record: LogRecord): void;
  /**
   * Of a log in a file: opens it again, perhaps another one, or by other rules.
   * @throws {Error} if it can't be opened; nothing has changed then
   */
  reopen?(change?: Partial<FileRules>): Prepared;
  /** Resolves once what was written is out, or known to be lost. */
  close(): Promise<void>;
}
