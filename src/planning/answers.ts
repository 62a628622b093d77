/** What planning answers: plain JSON, which the CLI, the API and the page show as it is. */
import type { Code } from '../policy/codes.ts';
import type { Move, Rule, Verdict } from '../policy/types.ts';

/** What can be in the way of a step. */
export const BLOCKER_KINDS = [
  /** Servers that are not on the release yet. */
  'server-behind',
  /** Servers that do not answer, whatever they ran last. */
  'server-down',
  /** Servers whose version was never learned. */
  'server-unknown',
  /** No server takes sessions, since those that are there are leaving. */
  'server-draining',
  /** Open sessions of clients that the step would refuse. */
  'sessions-outside',
  /** An operator blocked upgrades. */
  'upgrade-blocked',
  'upgrade-failed',
  /** An operator has to approve first. */
  'approval-missing',
  /** Something else has to come first: a time of day, a certain client, more of them. */
  'upgrade-waiting',
  /** A claim on the upgrade that nobody renews. */
  'lease-lapsed',
  /** The catalogue does not allow the upgrade. */
  'catalogue',
  'ledger-unavailable',
  /** The ledger is not the one it was. */
  'ledger-doubted',
  /** Gates decide by different policies or catalogues, or run different programs. */
  'gates-policy',
  'gates-catalogue',
  'gates-program',
  /** An operator has new clients wait. */
  'paused',
  /** An operator drains this gate. */
  'gate-draining',
  /** The release that was asked for cannot be reached by going on: servers are past it, or older than the tables on it. */
  'not-ahead',
] as const;
export type BlockerKind = (typeof BLOCKER_KINDS)[number];

/** One thing in the way, and what takes it out of the way. */
export interface Blocker {
  readonly kind: BlockerKind;
  /** Ids of servers or gates, versions of clients, or `operator`. */
  readonly who: readonly string[];
  /** As in a decision; null: nothing helps but time. */
  readonly move: Move | null;
  /** A sentence for people. */
  readonly message: string;
}

/** Clients that are one to a reader: same name, driver and host, or sessions of another gate, which are only counted. */
export interface NamedClient {
  /** Property `name`, else `user`; null: it states neither. */
  readonly name: string | null;
  /** Null: of another gate. */
  readonly driver: string | null;
  readonly host: string | null;
  /** The other gate that has these sessions; null: this one. */
  readonly gate: string | null;
  /** Open sessions; of clients that are not connected, 0. */
  readonly sessions: number;
}

/** Clients of one release line that are refused by one rule. */
export interface Refused {
  /** Release line, such as `4.12`. */
  readonly line: string;
  /** Open ones, which would not be admitted if they came anew. */
  readonly sessions: number;
  /** Clients of the last hour without a session now. */
  readonly seen: number;
  readonly rule: Rule;
  readonly code: Code;
  readonly move: Move | null;
  /** Whether they are refused already as things are. */
  readonly already: boolean;
  /** Whether they are refused only while an upgrade that needs downtime runs. */
  readonly temporary: boolean;
  /** The versions, ascending; of another gate's clients, their line. */
  readonly versions: readonly string[];
  /** Those with the most sessions first; bounded. */
  readonly clients: readonly NamedClient[];
}

/** What becomes of the system tables. */
export interface UpgradeAhead {
  /** Null: nobody knows where the tables are. */
  readonly fromLevel: number | null;
  readonly toLevel: number;
}

/** One release line on the way. */
export interface PathStep {
  /** Release line. */
  readonly to: string;
  readonly blockers: readonly Blocker[];
  /** Open sessions that this step would refuse, and no step before it. */
  readonly refuses: readonly Refused[];
  readonly upgrade: UpgradeAhead | null;
  /** Whether everybody is refused while the upgrade runs, and sessions end (J1). */
  readonly downtime: boolean;
  /** Whether servers may go past this line, straight to the next one (M5). */
  readonly optional: boolean;
  readonly sentence: string;
}

/** What blocks the next step, and who is turned away by it. */
export interface Next {
  /** Release line that is next, or that was asked for; null: none is known. */
  readonly to: string | null;
  /** Nothing is in the way. */
  readonly ready: boolean;
  readonly blockers: readonly Blocker[];
  /** Open sessions that would be refused once it is done. */
  readonly refuses: readonly Refused[];
  /** Clients of the last hour that have no session now, and would be refused if they came back. */
  readonly refusesSeen: readonly Refused[];
  readonly upgrade: UpgradeAhead | null;
  /** The whole answer, for people. */
  readonly sentence: string;
  /** With a target: each step there, in order; empty: it is reached. */
  readonly path?: readonly PathStep[];
}

/** Whom a change of servers or of the policy would refuse. */
export interface WhatIf {
  /** The servers as they are supposed to be. */
  readonly servers: readonly { readonly id: string; readonly version: string | null }[];
  /** Of the policy supposed; null: the one that is there. */
  readonly policy: string | null;
  readonly refused: readonly Refused[];
  /** Whom it would admit, at once or once an upgrade is done. */
  readonly permitted: { readonly sessions: number; readonly seen: number };
  readonly sentence: string;
}

/** Where a release line of clients is on its way out. */
export const LINE_STATUSES = ['ahead', 'current', 'leaving', 'draining', 'drained', 'unseen'] as const;
/**
 * `ahead`: not admitted yet. `current`: admitted now and after the next step. `leaving`: the next step refuses it.
 * `draining`: refused already, and has sessions. `drained`: refused already, and has none. `unseen`: admitted, and
 * nobody of it came lately.
 */
export type LineStatus = (typeof LINE_STATUSES)[number];

/** One release line of clients. */
export interface CensusLine {
  readonly line: string;
  readonly versions: readonly string[];
  readonly sessions: number;
  /** When one came last, ms since the epoch; null: nobody did. */
  readonly lastSeenAt: number | null;
  /** Where from; most frequent first, bounded. */
  readonly hosts: readonly string[];
  readonly drivers: readonly string[];
  /** What clients call themselves, by their recorded properties. */
  readonly who: readonly string[];
  readonly verdictNow: Verdict;
  readonly codeNow: Code;
  /** After the next step. */
  readonly verdictNext: Verdict;
  readonly codeNext: Code;
  readonly status: LineStatus;
}
