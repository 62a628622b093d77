/** What a scenario is played on: a fleet on virtual time, or one of real processes and sockets. */
import type { RefusedError } from '../client/session.ts';
import type { LogRecord } from '../decision/record.ts';
import type { Ledger } from '../migration/ledger/ledger.ts';
import type { Clock } from '../ports/clock.ts';
import type { LedgerLoss } from './virtual/ledger-store.ts';

export type Logged = LogRecord & { readonly time: string };

/** The session of an admitted client, which is in this process or a program that runs while the session lasts. */
export interface FleetSession {
  /** As its gate calls it; absent: a program's. */
  readonly id?: string;
  readonly closed: boolean;
  /** Of a program: it ended by itself and was exitedCleanly. */
  readonly exitedCleanly?: boolean;
  /** It closes once, and has dealt with its own errors. */
  on(event: 'close', hear: () => void): unknown;
  destroy(): unknown;
}

/** How a client's attempt ended. */
export type ConnectResult =
  | { readonly kind: 'admitted'; readonly session: FleetSession }
  | { readonly kind: 'refused'; readonly error: RefusedError }
  | { readonly kind: 'lost'; readonly error: Error };

export interface ClientProgram {
  readonly command: readonly string[];
  /** Whether it speaks the handshake; otherwise it is let in at a port that stands for its version. */
  readonly handshake: boolean;
}

export interface FleetDriver {
  readonly clock: Clock;
  readonly serverIds: readonly string[];
  readonly gateIds: readonly string[];
  /** Decision records of all gates so far, in the order in which they were written. */
  readonly records: readonly Logged[];
  /** The same as NDJSON lines. */
  readonly lines: readonly string[];
  readonly ledger: Ledger;
  /** Schema level of the system tables; null: the servers keep none. */
  readonly level: number | null;
  /** Sessions, and clients on their way in, over all gates that live. */
  readonly open: { readonly sessions: number; readonly handshakes: number };
  /** Variables for programs that a scenario runs: where the fleet is. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Lets as much of this fleet's time pass as `promise` needs. @throws {UnendingError} if no time is enough. */
  finish<T>(promise: Promise<T>): Promise<T>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Does nothing if it runs. */
  startServer(id: string, version?: string): Promise<void>;
  /** In order: it says that it leaves, and lets sessions end for `grace` ms. */
  stopServer(id: string, grace: number): Promise<void>;
  /** In order, as on Ctrl-C: who waits is refused, and sessions get the drain time to end. */
  stopGate(id: string): Promise<void>;
  /** A server or gate dies at once, as by SIGKILL. */
  kill(id: string): void;
  /** Starts a dead server or gate. */
  startNode(id: string): Promise<void>;
  /** As by SIGSTOP and SIGCONT. */
  pause(id: string): void;
  resume(id: string): void;
  /**
   * Sets the clock of a server's or gate's machine, which its process sees once it starts anew.
   *
   * @param skew ms that it is ahead of the true time; negative: behind
   * @throws if the machines of this fleet have one clock
   */
  setClock(id: string, skew: number): void;
  /** @throws if this fleet can't cut links. */
  cut(a: string, b: string): void;
  heal(a: string, b: string): void;
  /** Behind the backs of its gates. @throws if this fleet keeps its ledger safe. */
  loseLedger(loss: LedgerLoss): Promise<void>;
  /**
   * A client dials the gates in turn; one that can't be reached is passed over. `program`: what stands in for the
   * client, on a fleet of real processes.
   */
  connect(
    client: string,
    version: string,
    upgrade: 'may' | 'must-not',
    program?: ClientProgram,
  ): Promise<ConnectResult>;
  /** What always must hold and did not, once the fleet has stopped; absent: this fleet can't tell. */
  violations?(): Promise<ReadonlyArray<{ readonly invariant: string; readonly what: string }>>;
}
