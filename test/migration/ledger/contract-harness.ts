/** What the rules of the ledger's contract are given. */
import type { Ledger } from '../../../src/migration/ledger/ledger.ts';
import type { Store } from '../../../src/migration/ledger/store.ts';
import type { Clock } from '../../../src/ports/clock.ts';

/** One test's data, which no other test sees. */
export interface StoreFixture extends AsyncDisposable {
  readonly clock: Clock;
  /** ms that the claims of the tests live. */
  readonly lease: number;
  /** A new store object on the same data, as another process would have (the memory's is always the same). */
  open(): Store;
  /** Lets time pass to just before the end of a lease that was granted now, where that can be said so exactly. */
  almostLapse(): Promise<void>;
  /** ms; for what has to see a lease end by itself. */
  readonly short: number;
  /** The lease of `token` is gone after this: time passed, or where that takes too long, the store was told to end it. */
  lapse(cluster: string, token: number): Promise<void>;
  /** Lets time pass until the short lease of `token` is gone; `meanwhile` is called at times that keep one alive. */
  outlive(cluster: string, token: number, meanwhile?: () => Promise<unknown>): Promise<void>;
  /** Lets as much time pass as `promise` needs. */
  finish<T>(promise: Promise<T>): Promise<T>;
  /** Writes a record as some other program might have left it. */
  plant(cluster: string, text: string): Promise<void>;
  /** Of all that is stored: changes with any write. */
  fingerprint(): Promise<string>;
}

/** What the rules are given: a place, and a ledger at it. */
export interface ContractHarness extends StoreFixture {
  readonly ledger: Ledger;
  /** Another ledger object on a store object of its own. */
  another(cluster?: string): Ledger;
}

export type Rule = (harness: ContractHarness) => Promise<void>;
export type Rules = Readonly<Record<string, Rule>>;

export const CLUSTER = 'main';
