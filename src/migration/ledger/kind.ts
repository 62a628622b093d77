/** What a kind of ledger has to say of itself; the kinds there are stand in registry.ts. */
import type { Clock } from '../../ports/clock.ts';
import type { Store } from './store.ts';

/** Who can reach the same ledger: one process alone, all processes of one machine, or many machines. */
export type Sharing = 'process' | 'machine' | 'network';

/** What opening a ledger takes besides its address. */
export interface OpenContext {
  /** Where a relative path starts. */
  readonly folder: string;
  readonly clock: Clock;
}

/** Where an address says that a ledger is kept. */
export interface LedgerPlace {
  /** The servers that keep it, as `HOST:PORT`; none where no server does. */
  readonly hosts: readonly string[];
  /** The file that keeps it, as the address spells it; null: none does. */
  readonly file: string | null;
}

/** One kind of ledger: how its addresses read, who shares it, and how its store is opened. */
export interface LedgerKind {
  /** Its addresses are this, a colon, and what `parse` reads. */
  readonly scheme: string;
  /** How an address is spelt, for people. */
  readonly usage: string;
  readonly shared: Sharing;
  /** Reads an address, without its scheme and colon. @throws {Error} saying what is wrong. */
  parse(rest: string): LedgerPlace;
  /** Makes the store, which connects to nothing until it is used. `rest` is an address that `parse` accepts. */
  open(rest: string, context: OpenContext): Store;
}
