/**
 * Notices that the ledger is not the one it was, says so, and puts it on record, so that no gate upgrades by it. Says as
 * well that this gate's clock differs from the ledger's.
 */
import type { EventSink } from '../events/fan-out.ts';
import { doubtIn } from './ledger/known-ledger.ts';
import type { Ledger, LedgerView } from './ledger/ledger.ts';

export interface LedgerDoubtOptions {
  readonly ledger: Ledger;
  readonly events: EventSink;
  /** Whom the ledger names as the one who noticed. */
  readonly owner: string;
}

/** Keeps one gate's doubt about its ledger. */
export class LedgerDoubt {
  readonly #options: LedgerDoubtOptions;
  #said = false;
  /** ms; 0: that the clocks agree, which is said of none. */
  #saidAhead = 0;

  constructor(options: LedgerDoubtOptions) {
    this.#options = options;
  }

  /**
   * Says when a doubt comes up and when it is over, and records one that is not on record yet; where the ledger can't be
   * written that is tried again with the next reading.
   * @returns the ledger as it is after that
   */
  async examine(view: LedgerView): Promise<LedgerView> {
    this.#saySkew();
    const now = view.contradiction === null ? view : await this.#record(view);
    // Only once it is on record: what is accepted before it is there is accepted in vain.
    this.#say(doubtIn(now));
    return now;
  }

  async #record(view: LedgerView): Promise<LedgerView> {
    const { ledger, owner } = this.#options;
    try {
      await ledger.recordDoubt(owner);
      return await ledger.read();
    } catch {
      return view;
    }
  }

  #saySkew(): void {
    const { ledger, events } = this.#options;
    const { ahead } = ledger;
    const isNews = ahead !== this.#saidAhead;
    this.#saidAhead = ahead;
    if (!isNews || ahead === 0) return;
    const error = `the clock of this gate is ${Math.round(Math.abs(ahead) / 1_000)} s ${ahead > 0 ? 'ahead of' : 'behind'} that of the ledger, by which blocks and pauses end: set it right`;
    events.emit({ event: 'migration', what: 'clock-skew', ledger: ledger.url, aheadMs: ahead, error });
  }

  #say(why: string | null): void {
    const { ledger, events } = this.#options;
    const isNews = (why !== null) !== this.#said;
    this.#said = why !== null;
    if (!isNews) return;
    if (why === null) return events.emit({ event: 'migration', what: 'ledger-accepted', ledger: ledger.url });
    const error = `${why}: no upgrade begins until the right ledger is back, or an operator accepts this one (skewgate migration accept-ledger)`;
    events.emit({ event: 'migration', what: 'ledger-doubted', ledger: ledger.url, error });
  }
}
