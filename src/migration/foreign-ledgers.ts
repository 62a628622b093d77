/**
 * Notices that another ledger upgrades the same servers, by the claims that servers remember: says so, and puts it on
 * record, where it stands until an operator accepts this ledger as the right one.
 */
import type { Cluster } from '../cluster/cluster.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { Ledger, LedgerView } from './ledger/ledger.ts';
import type { LedgerRecord } from './ledger/record.ts';

/** What servers remember of claims: the highest token, and the highest of each ledger. */
export type SeenClaims = Pick<Cluster, 'token' | 'ledgers'>;

export interface ForeignLedgersOptions {
  readonly ledger: Ledger;
  readonly events: EventSink;
  /** Whom the ledger names as the one who noticed. */
  readonly owner: string;
}

/** The ledgers that are neither this one nor among those it stands in for, each with its highest token. */
export function foreignAmong(
  ledgers: SeenClaims['ledgers'],
  { id, replaced }: Pick<LedgerRecord, 'id' | 'replaced'>,
): (readonly [id: string, token: number])[] {
  return [...ledgers].filter(([other]) => other !== id && !replaced.includes(other));
}

/** How many other ledgers are told apart: a server may make them up. */
const MAX_SAID = 64;

/** Looks out for other ledgers, for one gate. */
export class ForeignLedgers {
  readonly #options: ForeignLedgersOptions;
  /** The highest token that was said of each other ledger. */
  readonly #said = new Map<string, number>();
  /** The highest token that was said, whosever it is. */
  #saidToken = 0;

  constructor(options: ForeignLedgersOptions) {
    this.#options = options;
  }

  /**
   * Says each token of another ledger once, and records the ledger; where this one can't be written that is tried again
   * with the next reading.
   * @param seen what servers remembered before the record was read: what came later is in no such record
   * @returns the ledger as it is after that
   */
  async examine(seen: SeenClaims, view: LedgerView): Promise<LedgerView> {
    // Which ledgers this one stands in for is not on record yet.
    if (view.contradiction !== null) return view;
    const { record } = view;
    const foreign = foreignAmong(seen.ledgers, record);
    for (const [id, token] of foreign) if (this.#isNews(id, token)) this.#say(view, token, id);
    // A server that keeps tokens alone tells only of those that are higher than all of this ledger.
    if (seen.token > Math.max(record.token, this.#saidToken)) this.#say(view, seen.token, null);
    if (foreign.every(([id, token]) => record.foreign.some((one) => one.id === id && one.token >= token)))
      return view;
    return this.#record(foreign, view);
  }

  #isNews(id: string, token: number): boolean {
    const said = this.#said.get(id);
    return said === undefined ? this.#said.size < MAX_SAID : token > said;
  }

  #say({ record }: LedgerView, seenToken: number, seenLedger: string | null): void {
    const { events, ledger } = this.#options;
    if (seenLedger !== null) this.#said.set(seenLedger, seenToken);
    this.#saidToken = Math.max(this.#saidToken, seenToken);
    events.emit({
      event: 'migration',
      what: 'foreign-ledger',
      ledger: ledger.url,
      token: record.token,
      seenToken,
      seenLedger,
      error: `a server has seen a token that this ledger did not give${seenLedger === null ? '' : ` (token ${seenToken} of ledger ${seenLedger})`}: another gate upgrades the same cluster with another ledger`,
    });
  }

  async #record(foreign: readonly (readonly [string, number])[], view: LedgerView): Promise<LedgerView> {
    const { ledger, owner } = this.#options;
    try {
      await ledger.recordForeign(
        foreign.map(([id, token]) => ({ id, token })),
        owner,
      );
      return await ledger.read();
    } catch {
      return view;
    }
  }
}
