/**
 * What planning is asked about: a fleet at one moment, as plain data. Who observes it (a gate, or a decision log that is
 * read) fills it in; what is made of it is in answers.ts.
 */
import type { Code } from '../policy/codes.ts';
import type { Policy, ProtocolRange, ServerFacts, UpgradeState, Verdict } from '../policy/types.ts';
import type { Version } from '../version/version.ts';

/** One server of the cluster. */
export interface FleetServer {
  readonly id: string;
  readonly state: ServerFacts['state'];
  /** Last known; null when it was never learned. */
  readonly version: Version | null;
  /** Schema level of the system tables as this server says; null: it does not say. */
  readonly level: number | null;
  readonly protocol?: ProtocolRange | undefined;
  /** Why it is down; null: it is not, or nobody knows. */
  readonly lastError: string | null;
  /** Open ones. */
  readonly sessions: number;
}

/** The one-time upgrade, as it stands for no client in particular. */
export interface UpgradeFacts {
  readonly state: UpgradeState;
  /** Who has the claim, also where its lease has lapsed; null: nobody has. */
  readonly holder: string | null;
  /** Whether the lease of that claim still runs. */
  readonly leaseAlive: boolean;
  /** The fencing token of the claim; null: there is none. */
  readonly token: number | null;
  /** Which attempt in a row the claim is for; null: there is none. */
  readonly attempt: number | null;
  /** Whether an upgrade begins only once an operator approved, and whether one did. */
  readonly approval: { readonly needed: boolean; readonly given: boolean };
  /** The block that lasts longest; `until` null: until it is lifted. */
  readonly block: { readonly by: string; readonly reason: string; readonly until: number | null } | null;
  /** Of the last attempt, where it failed; `retryAt` null: none begins until an operator says so. */
  readonly failure: {
    readonly error: string;
    readonly attempts: number;
    readonly retryAt: number | null;
  } | null;
}

/** What a client says of itself, and so what it is judged by. */
interface FleetClient {
  /** Its version, as it wrote it. */
  readonly client: string;
  readonly driver: string;
  /** What may be recorded of the rest. */
  readonly properties: Readonly<Record<string, string>>;
  readonly protocol?: ProtocolRange | undefined;
  /** Whether an operator has its release drained, so that it is turned away whatever policy says. */
  readonly drained?: boolean | undefined;
}

/** An open session. */
export interface FleetSession extends FleetClient {
  readonly session: string;
  /** The client's address, `HOST:PORT`. */
  readonly peer: string;
  readonly listener: string;
  /** Id of the server that it is connected to. */
  readonly server: string;
  /** ms since the epoch. */
  readonly startedAt: number;
}

/** A client that came in the last hour, as often as it did. */
export interface SeenClient extends FleetClient {
  /** Its address without the port. */
  readonly host: string;
  /** ms since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
  /** What it was told last. */
  readonly verdict: Verdict;
  readonly code: Code;
}

/** A gate of the cluster. */
export interface FleetGate {
  readonly id: string;
  /** Whether these facts are its own. */
  readonly isSelf: boolean;
  /** Its program's version. */
  readonly program: string;
  readonly policyHash: string;
  readonly catalogueHash: string;
  /** Where its ledger is, without secrets. */
  readonly ledger?: string | undefined;
  /** When it last said that it is there, ms since the epoch. */
  readonly lastSeenAt: number;
  /** Of another gate: its open sessions by release line, which is all that it tells of its clients. */
  readonly sessions?: Readonly<Record<string, number>> | undefined;
}

/** What an operator ordered until further notice, so that nobody is admitted. */
export interface StandingOrder {
  /** `pause`: clients wait. `drain`: this gate is to end. */
  readonly what: 'pause' | 'drain';
  readonly by: string;
  /** Empty: nobody said. */
  readonly reason: string;
  /** When it ends by itself, ms since the epoch; null: it does not. */
  readonly until: number | null;
}

/** A fleet at one moment. */
export interface FleetFacts {
  /** ms since the epoch. */
  readonly now: number;
  readonly policy: Policy;
  readonly policyHash: string;
  readonly servers: readonly FleetServer[];
  /** Schema level that clients may count on; null: nobody knows it. */
  readonly level: number | null;
  /** Where the tables are already, while `level` is only what clients may count on; absent: at `level`. */
  readonly reached?: number | null | undefined;
  readonly upgrade: UpgradeFacts;
  /** Those of this gate. */
  readonly sessions: readonly FleetSession[];
  readonly seen: readonly SeenClient[];
  /** Empty: it is not known which there are. */
  readonly gates: readonly FleetGate[];
  /** That keep all clients out; absent: none is known of. */
  readonly orders?: readonly StandingOrder[] | undefined;
}
