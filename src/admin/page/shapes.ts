/**
 * What the page's panels are given: what `/v1/…` answers, field by field as they use it, and what they can have done.
 * Types only, named in comments of the page's modules; a browser never loads this file. What planning answers is its
 * own type. Times are as the API writes them: ISO 8601, or ms since the epoch where a name says so elsewhere.
 */
import type { CensusLine as Census, Next, WhatIf } from '../../planning/answers.ts';

export type { Blocker, Next, PathStep, Refused, WhatIf } from '../../planning/answers.ts';

type Time = string | number;

/** Of `/v1/clients`. */
export interface CensusLine extends Omit<Census, 'lastSeenAt'> {
  readonly lastSeenAt: Time | null;
}

/** `/v1/cluster` */
export interface Cluster {
  readonly cluster: string;
  readonly gate: string;
  readonly program: string;
  readonly startedAt: Time;
  readonly now: Time;
  readonly state: string;
  readonly policy: string;
  readonly policyHash: string;
  readonly listeners: readonly string[];
  readonly level: number | null;
  readonly sessions: number;
  readonly handshakes: number;
  readonly held: number;
}

/** Of `/v1/servers`. */
export interface Server {
  readonly id: string;
  readonly address: string;
  readonly state: 'up' | 'draining' | 'down';
  readonly version: string | null;
  readonly level: number | null;
  readonly sessions: number;
  readonly lastError: string | null;
  readonly lastProbeAt: Time | null;
}

/** Of `/v1/sessions`. */
export interface Session {
  readonly session: string;
  readonly client: string;
  readonly driver: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly identity: string | null;
  readonly server: string;
  readonly listener: string;
  readonly peer: string;
  readonly startedAt: Time;
  readonly bytesFromClient: number;
  readonly bytesFromServer: number;
}

/** What of them is on the page. */
export interface SessionsShown {
  readonly sessions: readonly Session[];
  /** Cursor of what comes after; null: this is all. */
  readonly next: string | null;
  readonly total: number;
  readonly filter: { readonly client: string; readonly server: string };
}

export interface Phases {
  readonly heldMs: number;
  readonly dialMs: number | null;
  readonly totalMs: number;
}

/** Of `/v1/decisions`. */
export interface Decision {
  readonly id: string;
  readonly time: Time;
  readonly verdict: 'permit' | 'migrate' | 'hold' | 'refuse';
  readonly code: string;
  readonly rule: string;
  readonly client: string | null;
  readonly message: string;
  readonly move: { readonly side: string; readonly to: string; readonly who: readonly string[] } | null;
  readonly peer: string;
  readonly listener: string;
  readonly driver: string | null;
  readonly session: string | null;
  readonly server: string | null;
  readonly serverVersion: string | null;
  readonly waitedFor: string | null;
  readonly phases?: Phases;
  readonly trace?: readonly { readonly rule: string; readonly outcome: string; readonly because: string }[];
}

/** Of `/v1/gates`. */
export interface Gate {
  readonly id: string;
  readonly isSelf: boolean;
  readonly admin?: string | null;
  readonly program: string;
  readonly policyHash: string;
  readonly catalogueHash: string;
  /** Open ones, or how many of each release line. */
  readonly sessions: number | Readonly<Record<string, number>>;
  readonly lastSeenAt: Time;
}

/** `/v1/upgrade` */
export interface Upgrade {
  /** `none`: the policy knows no system tables. */
  readonly state:
    | 'none'
    | 'never-used'
    | 'idle'
    | 'waiting'
    | 'running'
    | 'abandoned'
    | 'blocked'
    | 'doubted'
    | 'exhausted'
    | 'failed'
    | 'unavailable';
  readonly sentence: string;
  readonly level: number | null;
  readonly release: string | null;
  readonly holder: string | null;
  readonly token: number | null;
  readonly attempt: number | null;
  readonly leaseAlive: boolean;
  readonly leaseLeftMs: number | null;
  readonly step: number | null;
  readonly steps: number | null;
  /** From 0 to 1, of the step that runs. */
  readonly progress: number | null;
  readonly progressText: string | null;
  readonly elapsedMs: number | null;
  readonly expectedMs: number | null;
  readonly blocks: readonly { by: string; reason: string; at: Time; until: Time | null }[];
  readonly approvedBy: string | null;
  readonly error: string | null;
  readonly retryAt: Time | null;
}

/** Of `/v1/audit`. */
export interface Act {
  readonly id: string;
  readonly time: Time;
  readonly what: string;
  readonly by: string;
  readonly reason: string;
  readonly sentence: string;
}

/** Of `/v1/orders`: what an operator's word holds or drains at this moment. */
export interface Order {
  readonly id: string;
  readonly what: 'pause' | 'drain';
  /** `name` of the server, the listener or the range; null: of the gate. */
  readonly target: {
    readonly kind: 'gate' | 'server' | 'listener' | 'clients';
    readonly name: string | null;
  };
  readonly by: string;
  readonly reason: string;
  readonly at: Time;
  readonly until: Time | null;
  readonly overMs: number | null;
  readonly scope: 'gate' | 'cluster';
  /** Sessions that a drain ends at this gate, and how many of them are left. */
  readonly sessions: number;
  readonly left: number;
}

/** Of `/v1/waiting`: a client that is held. */
export interface Waiting {
  readonly connection: string;
  readonly client: string;
  readonly peer: string;
  readonly since: Time;
  readonly code: string;
  readonly message: string;
}

/** Of `/v1/refusals`: those of the last hour with the same reason. */
export interface Refusal {
  readonly code: string;
  readonly side: 'client' | 'server' | 'operator' | null;
  readonly to: string | null;
  readonly who: readonly string[];
  readonly line: string | null;
  readonly count: number;
  readonly lastAt: Time;
}

/** `/v1/charts`: numbers at equal distances of time, oldest first. */
export interface Charts {
  /** s since the epoch. */
  readonly times: readonly number[];
  /** Open sessions of each release line. */
  readonly lines: Readonly<Record<string, readonly (number | null)[]>>;
  /** Clients since the time before. */
  readonly admitted: readonly (number | null)[];
  readonly refused: readonly (number | null)[];
  readonly held: readonly (number | null)[];
}

/** `/v1/policy`; of a policy that knows no releases there is no catalogue. */
export interface Policy {
  readonly policy: {
    readonly catalogue?: {
      readonly releases: readonly { readonly version: { readonly major: number; readonly minor: number } }[];
    };
  };
}

/** Everything that panels show, at one moment. */
export interface Data {
  /** By the gate's clock, ms since the epoch. */
  readonly now: number;
  /** What the token of this page may do. */
  readonly access: {
    readonly reading: boolean;
    readonly name: string | null;
    readonly role: string | null;
    readonly acts: readonly string[];
  };
  readonly cluster: Cluster;
  readonly servers: readonly Server[];
  readonly clients: readonly CensusLine[];
  readonly next: Next;
  /** Release lines that the catalogue knows, ascending. */
  readonly releases: readonly string[];
  /** The one to which the whole way is asked for; null: the next step is. */
  readonly target: string | null;
  readonly upgrade: Upgrade;
  readonly waiting: readonly Waiting[];
  readonly refusals: readonly Refusal[];
  readonly sessions: SessionsShown;
  readonly decisions: readonly Decision[];
  readonly stream: 'live' | 'lost';
  readonly gates: readonly Gate[];
  readonly orders: readonly Order[];
  readonly audit: readonly Act[];
  readonly charts: Charts;
  readonly whatIf: { readonly answer: WhatIf | null; readonly error: string | null };
}

/** What a verb is about, as the panel that it was called from knows. */
export type Subject = Readonly<Record<string, string>>;

/** What panels can have done. */
export interface Verbs {
  /** Opens the dialog of a verb. */
  open(verb: string, subject?: Subject): void;
  aimAt(target: string | null): void;
  filterSessions(filter: Readonly<Record<string, unknown>>): void;
  moreSessions(): void;
  useToken(token: string): void;
  askWhatIf(question: Readonly<Record<string, unknown>>): void;
}
