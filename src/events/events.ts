/**
 * What happens in a gate, as data: one type for each kind of event. The modules that see something happen emit it
 * into the fan-out they were given; what becomes of it (a record, a line in the operator's terminal) is up to the
 * sinks. An event says nothing of the gate it happened in: a sink that needs an identity adds it.
 *
 * Units: names ending in `Ms` are milliseconds, names ending in `At` are ISO 8601 times.
 */
import type { Code } from '../policy/codes.ts';
import type { Decision, ServerFacts } from '../policy/types.ts';

/** How one client's handshake ended. */
export interface HandshakeEvent {
  readonly event: 'handshake';
  readonly decision: Decision;
  /** The id of the attempt. */
  readonly connection: string;
  /** The address at which the client arrived, with scheme. */
  readonly listener: string;
  /** The client's address. */
  readonly peer: string;
  /** What the client's hello calls itself; null where no hello was read. */
  readonly driver: string | null;
  /** The front end's. */
  readonly protocol: string;
  /** What the client's release was taken from, where it does not speak the handshake; null: it does, or none was read. */
  readonly claim: { readonly value: string; readonly source: string } | null;
  /** Whether it asked for TLS, and the version of what it got; null: it speaks without. */
  readonly tls: { readonly requested: boolean; readonly version: string | null };
  /** What the client says of itself; empty where no hello was read. */
  readonly properties: Readonly<Record<string, string>>;
  /** What the config calls it; null where it is not known who it is. */
  readonly identity: string | null;
  /** By what it is known, or what it presented that is not; null where it presented nothing. */
  readonly credential: Credential | null;
  /** The id of the session; null where the client was not admitted. */
  readonly session: string | null;
  /** The server that was given the session; null where none was. */
  readonly server: string | null;
  readonly serverVersion: string | null;
  /** The code of the first verdict that held the client; null if it never waited. */
  readonly waitedFor: Code | null;
  readonly phases: Phases;
  /** First 12 hex digits of the SHA-256 of the policy. */
  readonly policyHash: string;
}

/** What a client proves with who it is. */
export interface Credential {
  readonly kind: 'certificate' | 'token';
  /** Of a certificate the name by which it is meant; of a token null: nobody is to see it. */
  readonly value: string | null;
}

/** How long the parts of a handshake took; null: the handshake ended before that part. */
export interface Phases {
  readonly helloMs: number | null;
  readonly heldMs: number;
  readonly dialMs: number | null;
  readonly totalMs: number;
}

/**
 * Why a session ended. After the first three it was the gate that ended it. `drained`: an operator drains what it
 * belonged to; `kicked`: an operator ended just this one; `skew`: its client would not be admitted any more; `idle`: it
 * carried nothing for too long.
 */
export type SessionEndReason =
  | 'both-ended'
  | 'client-gone'
  | 'server-gone'
  | 'gate-stopped'
  | 'lockstep'
  | 'downtime'
  | 'drained'
  | 'kicked'
  | 'skew'
  | 'idle';

/** A session is over. */
export interface SessionEndEvent {
  readonly event: 'session-end';
  readonly session: string;
  /** The client's version. */
  readonly client: string;
  readonly peer: string;
  readonly properties: Readonly<Record<string, string>>;
  /** What the config called the client as it came; null: it is not known who it is. */
  readonly identity: string | null;
  readonly server: string;
  readonly reason: SessionEndReason;
  /** What its client would be told today, where the gate ended it; otherwise null. */
  readonly code: Code | null;
  /** Why the gate ended it, as a sentence; null: it did not. */
  readonly message: string | null;
  /** What broke the session off; null where it ended in order. */
  readonly error: string | null;
  readonly bytesFromClient: number;
  readonly bytesFromServer: number;
  readonly durationMs: number;
}

/** Clients of one source that were cut off within a second, for a limit, without a record of their own. */
export interface TurnedAwayEvent {
  readonly event: 'turned-away';
  /** The limit that the source ran into, by its key in the config. */
  readonly limit: string;
  readonly code: Code;
  /** The network that they came from; null: sources beyond as many as have records of their own. */
  readonly source: string | null;
  readonly count: number;
  /** When the first of them came, ISO 8601, or a little before. */
  readonly since: string;
}

/** What is known of a server changed, or was learned for the first time, whatever it is. */
export interface ServerEvent {
  readonly event: 'server';
  readonly server: string;
  /** Whether it is what the first probe of this server gave. */
  readonly first: boolean;
  readonly state: ServerFacts['state'];
  readonly version: string | null;
  /** Null where nothing was known of it before. */
  readonly previousState: ServerFacts['state'] | null;
  readonly previousVersion: string | null;
  /** The schema level that the server reports; null where it keeps no system tables. */
  readonly level: number | null;
  /** Why the server is down; null while it is not. */
  readonly lastError: string | null;
}

/**
 * The gate's own life. `fault`: the program itself failed over one client, and `error` says how. `signal-ignored`:
 * the process got a signal that does nothing, and `error` says which. `no-descriptors`, `descriptors-left`: the process
 * had no file descriptor left, or has some again.
 */
export interface LifecycleEvent {
  readonly event: 'gate';
  readonly what:
    | 'started'
    | 'draining'
    | 'stopped'
    | 'fault'
    | 'signal-ignored'
    | 'no-descriptors'
    | 'descriptors-left';
  readonly policyHash: string;
  readonly listeners: readonly string[];
  readonly error: string | null;
  /** Of a lack of descriptors: how often there was one so far, and for how many seconds there was this time. */
  readonly lack?: { readonly times: number; readonly seconds: number } | undefined;
}

/**
 * An operator had the gate do something. `begun`: it takes time. `done`: what `effect` says is true. `lapsed`: the time
 * of an order is over, and it is no longer heeded. `refused`: nothing was done, and `effect` says why.
 */
export interface OperatorEvent {
  readonly event: 'operator';
  readonly what: 'pause' | 'resume' | 'drain' | 'undrain' | 'kick' | 'reload';
  readonly stage: 'begun' | 'done' | 'lapsed' | 'refused';
  readonly by: string;
  /** Why, for people; empty: nobody said. */
  readonly reason: string;
  readonly target: {
    readonly kind: 'gate' | 'server' | 'listener' | 'clients' | 'session';
    /** The server's or session's id, the listener's address, the range of releases; null: the gate. */
    readonly name: string | null;
  };
  /** The id of the order that it is about; null: the verb leaves none standing. */
  readonly order: string | null;
  /** `cluster`: for all gates. */
  readonly scope: 'gate' | 'cluster';
  /** When it ends by itself; null: it does not. */
  readonly until: string | null;
  /** Over which sessions end; null: as they like, or none has to. */
  readonly overMs: number | null;
  /** That it ends at this gate. */
  readonly sessions: number;
  /** What it does, as sentences for people. */
  readonly effect: string;
}

/** One schema level to another, as part of an upgrade. */
export interface UpgradeStep {
  readonly from: string | null;
  readonly to: string;
  readonly fromLevel: number;
  readonly toLevel: number;
}

/** One attempt at an upgrade of the system tables, under a claim of the ledger. */
export interface UpgradeAttempt {
  /** The version of the client that brought the upgrade. */
  readonly client: string;
  /** The fencing token of the claim. */
  readonly token: number;
  readonly steps: readonly UpgradeStep[];
  /** Null where the attempt has no steps: it finishes what an earlier one did. */
  readonly fromLevel: number | null;
  readonly toLevel: number | null;
}

interface Levels {
  /** Null where no level was on record. */
  readonly fromLevel: number | null;
  readonly toLevel: number;
}

/** The process of a hook that an earlier attempt began. */
interface HookProcess {
  readonly host: string;
  readonly pid: number;
  readonly token: number;
}

interface RestoreFacts {
  readonly token: number;
  /** What made the restore necessary; of a restore that failed, why it failed. */
  readonly error: string;
  /** Sessions open on this gate, admitted before or while the upgrade ran. */
  readonly sessions: number;
}

/** What the migration gate can have to say: the fields that go with each `what`. */
export interface MigrationFacts {
  readonly started: UpgradeAttempt;
  readonly done: UpgradeAttempt & { readonly durationMs: number };
  /** Policy, asked again under the claim, no longer wants the upgrade. */
  readonly 'not-needed': UpgradeAttempt & { readonly reason: string; readonly durationMs: number };
  readonly failed: UpgradeAttempt & {
    readonly attempt: number;
    readonly error: string;
    /** When the next attempt may begin; null: not before an operator says so. */
    readonly retryAt: string | null;
  };
  /** No attempt begins any more: as many as may have failed in a row. */
  readonly 'given-up': {
    readonly client: string;
    readonly attempts: number;
    readonly toLevel: number | null;
    readonly error: string | null;
  };
  /** The claim is another gate's, or the ledger is out of reach: nothing was recorded. */
  readonly lost: UpgradeAttempt & { readonly error: string };
  /** The gate stops and gives its claim back. */
  readonly released: UpgradeAttempt;
  readonly restored: RestoreFacts;
  readonly 'restore-failed': RestoreFacts;
  readonly 'level-observed': Levels;
  readonly 'level-went-back': Levels;
  /** A server has seen a token that this ledger never gave. */
  readonly 'foreign-ledger': {
    readonly ledger: string;
    readonly token: number;
    readonly seenToken: number;
    /** The ledger that gave it; null: the server does not say. */
    readonly seenLedger: string | null;
    readonly error: string;
  };
  /** A server claims a token that no ledger can have given; it is ignored. */
  readonly 'impossible-token': {
    readonly server: string;
    readonly seenToken: number;
    readonly error: string;
  };
  readonly 'ledger-available': { readonly ledger: string };
  readonly 'ledger-unavailable': {
    readonly ledger: string;
    readonly error: string;
    /** It was read, and what it holds is no ledger's record. */
    readonly damaged: boolean;
  };
  /** The ledger is not the one it was: no upgrade begins until an operator accepts it, or the right one is back. */
  readonly 'ledger-doubted': { readonly ledger: string; readonly error: string };
  readonly 'ledger-accepted': { readonly ledger: string };
  /** The clock of this gate differs from the ledger's; `aheadMs` is negative where it is behind. */
  readonly 'clock-skew': { readonly ledger: string; readonly aheadMs: number; readonly error: string };
  /** A hook of an earlier attempt may run on another host. */
  readonly 'hook-out-of-sight': HookProcess;
  readonly 'waiting-for-hook': HookProcess;
  readonly 'killing-hook': HookProcess;
  /** An upgrade could not even be claimed. */
  readonly 'claim-failed': { readonly client: string; readonly error: string };
}

export type MigrationEvent = {
  [What in keyof MigrationFacts]: { readonly event: 'migration'; readonly what: What } & MigrationFacts[What];
}[keyof MigrationFacts];

export type GateEvent =
  | HandshakeEvent
  | SessionEndEvent
  | TurnedAwayEvent
  | ServerEvent
  | LifecycleEvent
  | OperatorEvent
  | MigrationEvent;
