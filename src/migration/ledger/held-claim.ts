/**
 * What the holder of a claim does with the ledger. Each write is refused once the claim's lease is gone, or somebody took it
 * over; while the store is out of reach it is tried again for as long as the lease may live.
 */
import type { ProcessInfo } from '../../process/find-process.ts';
import type { Ledger } from './ledger.ts';
import { type Claim, isUnder, type LedgerRecord, type Restoring } from './record.ts';
import { LedgerUnavailable, type Store } from './store.ts';
import {
  type Change,
  completed,
  failed,
  observed,
  released,
  restored,
  restoreStarted,
  runDone,
  runStarted,
  stopped,
} from './transitions.ts';

const RETRY_MS = 250;

/** The claim was lost: its lease lapsed, or somebody took it over. Nothing was written. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}

/** The right to run the upgrade, for as long as it is renewed. Each write is refused once the lease is gone. */
export class HeldClaim {
  readonly token: number;
  readonly #owner: string;
  readonly #ledger: Ledger;
  readonly #store: Store;
  readonly #leaseMs: number;

  constructor(
    ledger: Ledger,
    store: Store,
    { token, owner, leaseMs }: Pick<Claim, 'token' | 'owner'> & { readonly leaseMs: number },
  ) {
    this.#ledger = ledger;
    this.#store = store;
    this.token = token;
    this.#owner = owner;
    this.#leaseMs = leaseMs;
  }

  /** False: lost. @throws {LedgerUnavailable} */
  async renew(): Promise<boolean> {
    if (!(await this.#store.renew(this.#ledger.cluster, this.token, this.#leaseMs))) return false;
    try {
      // The lease may outlive the record, or be another holder's in a ledger that gave the same token.
      return this.#isOurs((await this.#ledger.read()).record);
    } catch (error) {
      if (error instanceof LedgerUnavailable) return true;
      throw error;
    }
  }

  /** What the record says of this claim now. @throws {ClaimLost} */
  async current(): Promise<{ record: LedgerRecord; claim: Claim }> {
    const { record, leaseAlive, contradiction } = await this.#insist(() => this.#ledger.read());
    if (contradiction !== null) throw new ClaimLost(contradiction);
    if (record.claim === null || !this.#isOurs(record) || !leaseAlive)
      throw new ClaimLost(`token ${this.token} is not in force any more`);
    return { record, claim: record.claim };
  }

  #isOurs(record: LedgerRecord): boolean {
    return isUnder(record, { token: this.token, owner: this.#owner });
  }

  /** @throws {ClaimLost} */
  runStarted(key: string): Promise<void> {
    return this.#write((record, held) => runStarted(record, held, key, this.#ledger.now()));
  }

  /** @throws {ClaimLost} */
  note(change: { progress?: Claim['progress']; process?: ProcessInfo | null }): Promise<void> {
    return this.#write((record, held) => ({
      record: { ...record, claim: { ...held, ...change } },
      history: [],
    }));
  }

  /** Counts run number `index` as completed, once: a swap whose answer was lost may come a second time. */
  runDone(index: number, key: string, ran: boolean): Promise<void> {
    return this.#write((record, held) =>
      held.runsDone > index ? null : runDone(record, held, key, ran, this.#ledger.now()),
    );
  }

  /** The servers report a lower level than the record, asked under this claim. @throws {ClaimLost} */
  wentBack(level: number, release: string | null): Promise<void> {
    return this.#write((record, held) => observed(record, level, release, held.owner, this.#ledger.now()));
  }

  /** @throws {ClaimLost} */
  restoreStarted(restoring: Restoring): Promise<void> {
    return this.#write((record, held) => restoreStarted(record, held, restoring, this.#ledger.now()));
  }

  /** @throws {ClaimLost} */
  restored(reason: string): Promise<void> {
    return this.#write((record, held) => restored(record, held, reason, this.#ledger.now()));
  }

  /** @throws {ClaimLost} */
  async complete(): Promise<void> {
    const { claim } = await this.current();
    const target = claim.plan.steps.at(-1)?.level;
    try {
      await this.#write((record, held) => completed(record, held, this.#ledger.now()), true);
    } catch (error) {
      // The answer to a swap that succeeded may have been lost: the record says what is true.
      const { record } = await this.#insist(() => this.#ledger.read());
      if (record.claim !== null || record.token !== this.token || record.level !== target) throw error;
    }
  }

  /** @throws {ClaimLost} */
  fail(error: string, retryAt: number | null): Promise<void> {
    return this.#write((record, held) => failed(record, held, error, retryAt, this.#ledger.now()), true);
  }

  /**
   * Ends the claim because of an operator's abort, which an operator may have taken back since.
   * @returns whether that is a failure
   * @throws {ClaimLost}
   */
  async stopped(why: string): Promise<boolean> {
    let failed = true;
    await this.#write((record, held) => {
      failed = held.abort !== null;
      return stopped(record, held, why, this.#ledger.now());
    }, true);
    return failed;
  }

  /** @throws {ClaimLost} */
  release(reason: string): Promise<void> {
    return this.#write((record, held) => released(record, held, reason, this.#ledger.now()), true);
  }

  #write(next: (record: LedgerRecord, held: Claim) => Change | null, drop = false): Promise<void> {
    const holder = { token: this.token, owner: this.#owner };
    return this.#insist(() => this.#ledger.updateHeld(holder, next, drop));
  }

  /** While the store is out of reach it is tried again for as long as the lease may live. */
  async #insist<T>(act: () => Promise<T>): Promise<T> {
    const from = this.#ledger.elapsed();
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof LedgerUnavailable) || this.#ledger.elapsed() - from > this.#leaseMs)
          throw error;
        await this.#ledger.pause(RETRY_MS);
      }
    }
  }
}
