/** The one-time upgrade as admission sees it. */
import type { ClientFacts, SkewPolicy, UpgradeState } from '../policy/types.ts';
import type { Changes } from '../ports/changes.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { LedgerStanding } from './ledger-watch.ts';

export interface MigrationProgress {
  /** 0 to 1; null when the hook does not say. */
  readonly done: number | null;
  readonly text: string;
}

/** What may change while the gate runs; read each time. */
export interface MigrationSettings {
  readonly policy: SkewPolicy;
}

/** The client that may bring the upgrade. */
export interface UpgradeInitiator {
  readonly connection: string;
  readonly version: ClientFacts['version'];
  readonly driver: string;
  /** Property `name`, where the client states one. */
  readonly name: string | null;
  /** What makes it distinct: its name, or else its host. */
  readonly identity: string;
}

export interface Migration {
  /** Whatever may change a verdict. Progress does not: whoever waits looks it up from time to time. */
  readonly changes: Changes;
  /** Where the tables are: what the servers report, else what the ledger holds; null: nobody knows. */
  readonly reached: number | null;
  /** The same, as far as clients may count on it: no further than what is on record while that matters. */
  readonly level: number | null;
  /** Of the upgrade that runs; null when none does. */
  readonly progress: MigrationProgress | null;
  /** Where upgrades and acts of operators are on record; null: there is nothing to upgrade, and no ledger. */
  readonly ledger: Ledger | null;
  /** What is known of it; null: there is none. */
  readonly standing: LedgerStanding | null;
  /** Reads the ledger anew if what is known of it is older than `maxAge` ms. */
  refresh(maxAge: number): Promise<void>;
  /** What policy has to know about the upgrade for this client. */
  stateFor(initiator: UpgradeInitiator): UpgradeState;
  /** A client came that policy judged `migrate`. Starts the upgrade, or does nothing if one is on its way. */
  request(initiator: UpgradeInitiator): void;
  /** A client came that needs the upgrade and may not bring it. */
  noteWaitingClient(initiator: UpgradeInitiator): void;
  /** Why no upgrade can begin, though one may: the ledger can't be written. Null: nothing is known to be in the way. */
  readonly obstacle: string | null;
  /** The level of the system tables that a release needs; 0 where there are none. */
  levelOf(version: ClientFacts['version']): number;
  /** Has `listener` told, from now on, that those may go on who need tables above `level`: a step for them is on record. */
  whenRisen(listener: (level: number) => void): void;
  /** Loads what hooks are made of. @throws {HookError} if it is not there. */
  prepare(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}
