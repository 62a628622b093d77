/**
 * The ledger of one cluster over any store: reads a record, asks transitions.ts for the next one, swaps. Nothing is
 * written under a claim whose lease is gone, and no claim is given on a ledger that is not the one it was.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, pause } from '../../ports/clock.ts';
import { ClaimLost, HeldClaim } from './held-claim.ts';
import { contradictionOf, doubted, foreignSeen, type KnownLedger, remember } from './known-ledger.ts';
import { aborted, accepted, approved, blocked, retried, unblocked } from './operator-acts.ts';
import {
  type Claim,
  type HistoryEntry,
  isUnder,
  type LedgerRecord,
  readRecord,
  sameTables,
} from './record.ts';
import type { Snapshot, Store, Swap } from './store.ts';
import { StoreClock } from './store-clock.ts';
import { type Change, type ClaimRequest, claim, type Denied, observed } from './transitions.ts';

export interface LedgerView {
  readonly record: LedgerRecord;
  /** Whether the claim's holder is alive; false without a claim. */
  readonly leaseAlive: boolean;
  /** ms that the claim's lease went on for when it was read, unless it is renewed; absent: there is none, or the store does not say. */
  readonly leaseLeftMs?: number | undefined;
  /** Why it is not the ledger that was read and written here before; null: it is. */
  readonly contradiction: string | null;
}

/** Swaps lost to others before an operation gives up; each means that another one's swap succeeded. */
const MAX_TRIES = 100;

/**
 * What a gate and an operator do with the ledger of one cluster. Each verb reads, asks for a transition and swaps, again
 * where another one was first. @throws {LedgerUnavailable | LedgerFormatError} from every verb
 */
export class Ledger {
  readonly cluster: string;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #storeClock: StoreClock;
  readonly #newId: () => string;
  /** What it was when it was last read or written here, but for a doubt; null: it was never seen with anything in it. */
  #known: KnownLedger | null = null;
  /** The record that was read last: mostly the one that is read next, which then is the same object. */
  #lastRead: { readonly text: string | null; readonly record: LedgerRecord } | null = null;
  /** The highest token that was ever seen or given here, in whatever ledger. */
  #highest = 0;

  /** @param newId makes the identity of a ledger that nothing was ever written to. */
  constructor(store: Store, cluster: string, clock: Clock, newId: () => string = randomUUID) {
    this.#store = store;
    this.cluster = cluster;
    this.#clock = clock;
    this.#storeClock = new StoreClock(clock);
    this.#newId = newId;
  }

  get url(): string {
    return this.#store.url;
  }

  /** @throws {LedgerUnavailable | LedgerFormatError} */
  async read(): Promise<LedgerView> {
    const { record, snapshot, contradiction } = await this.#read();
    const leaseLeftMs = record.claim === null ? undefined : snapshot.left?.get(record.claim.token);
    return { record, leaseAlive: isHeld(record, snapshot), leaseLeftMs, contradiction };
  }

  history(): Promise<HistoryEntry[]> {
    return this.#store.history(this.cluster);
  }

  watch(changed: () => void): () => void {
    return this.#store.watch(this.cluster, changed);
  }

  /** @param leaseMs how long the claim lives without renewal. */
  async claim(request: ClaimRequest, leaseMs: number): Promise<HeldClaim | Denied> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { record, snapshot, contradiction } = await this.#read();
      if (contradiction !== null) return 'doubted';
      const above = Math.max(request.above, this.#highest);
      const change = claim(record, { ...request, above }, isHeld(record, snapshot), this.now());
      if (typeof change === 'string') return change;
      const { token } = change.record;
      const vacant = record.claim === null ? {} : { vacant: record.claim.token };
      const given = change.record.claim !== null;
      const grant = given ? { grant: { token, ms: leaseMs } } : {};
      if (await this.#swap(snapshot, change, { ...vacant, ...grant }))
        return given
          ? new HeldClaim(this, this.#store, { token, owner: request.owner, leaseMs })
          : 'given-up';
    }
    return 'held';
  }

  /**
   * The record follows what the servers report, unless an upgrade runs.
   * @param known the record before they were asked: what others recorded since is newer than the answer.
   */
  observe(
    level: number,
    release: string | null,
    owner: string,
    known: LedgerRecord | null = null,
  ): Promise<LedgerRecord> {
    return this.#update(({ record, held }) =>
      held || (known !== null && !sameTables(record, known))
        ? null
        : observed(record, level, release, owner, this.now()),
    );
  }

  /** Remembers a distinct newer client. */
  see(client: string, atMost: number): Promise<LedgerRecord> {
    return this.#update(({ record }) =>
      record.seen.includes(client) || record.seen.length >= atMost
        ? null
        : { record: { ...record, seen: [...record.seen, client] }, history: [] },
    );
  }

  /** @param until ms since the epoch; null: until unblocked. */
  block(who: { by: string; reason: string }, until: number | null): Promise<LedgerRecord> {
    return this.#update(({ record }) => blocked(record, who, until, this.now()));
  }

  /** @param of the operator whose block is lifted; null: all blocks are. */
  unblock(who: { by: string; reason: string }, of: string | null = null): Promise<LedgerRecord> {
    return this.#update(({ record }) => unblocked(record, who, this.now(), of));
  }

  approve(who: { by: string; reason: string }): Promise<LedgerRecord> {
    return this.#update(({ record }) => approved(record, who, this.now()));
  }

  retry(who: { by: string; reason: string }): Promise<LedgerRecord> {
    return this.#update(({ record, held }) => retried(record, who, held, this.now()));
  }

  abort(who: { by: string; reason: string }): Promise<LedgerRecord> {
    return this.#update(({ record, held }) => aborted(record, who, held, this.now()));
  }

  /** An operator says that this ledger is the right one. */
  accept(who: { by: string; reason: string }): Promise<LedgerRecord> {
    return this.#update(({ record }) => accepted(record, who, this.now()));
  }

  /** Puts on record what contradicts what is known here; nothing if the ledger is the one it was. */
  recordDoubt(owner: string): Promise<LedgerRecord> {
    return this.#update(({ record, contradiction }) =>
      contradiction === null || this.#known === null
        ? null
        : doubted(record, this.#known, contradiction, owner, this.now()),
    );
  }

  /** Puts on record which other ledgers upgrade the same servers; nothing if it is there already. */
  recordForeign(
    seen: readonly { readonly id: string; readonly token: number }[],
    owner: string,
  ): Promise<LedgerRecord> {
    return this.#update(({ record }) => foreignSeen(record, seen, owner, this.now()));
  }

  /** Applies `next` to the record until a swap succeeds; null from it: nothing to change. */
  async #update(
    next: (now: { record: LedgerRecord; held: boolean; contradiction: string | null }) => Change | null,
  ): Promise<LedgerRecord> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { record, snapshot, contradiction } = await this.#read();
      const change = next({ record, held: isHeld(record, snapshot), contradiction });
      if (change === null || (await this.#swap(snapshot, change, {}))) return change?.record ?? record;
    }
    throw new Error(`${this.url}: others kept changing the record`);
  }

  /** For a holder: applies `next` under the lease of its token. @throws {ClaimLost} */
  async updateHeld(
    { token, owner }: Pick<Claim, 'token' | 'owner'>,
    next: (record: LedgerRecord, held: Claim) => Change | null,
    drop: boolean,
  ): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { record, snapshot, contradiction } = await this.#read();
      // An older copy may have the claim in it.
      if (contradiction !== null) throw new ClaimLost(contradiction);
      const { claim } = record;
      if (claim === null || !isUnder(record, { token, owner }) || !snapshot.alive.has(token))
        throw new ClaimLost(`token ${token} is not in force any more`);
      const change = next(record, claim);
      if (change === null) return;
      if (await this.#swap(snapshot, change, { guard: token, ...(drop && { drop: token }) })) return;
    }
    throw new ClaimLost('others kept changing the record');
  }

  /** Time as the ledger's store tells it, ms since the epoch: blocks and waits end by this for all gates. */
  now(): number {
    return this.#storeClock.now();
  }

  /** For durations, ms. */
  elapsed(): number {
    return this.#clock.monotonic();
  }

  /** ms that the clock here is ahead of the store's, or behind it if negative; 0 for what may be chance. */
  get ahead(): number {
    return this.#storeClock.ahead;
  }

  pause(ms: number): Promise<void> {
    return pause(this.#clock, ms);
  }

  async #read(): Promise<{ record: LedgerRecord; snapshot: Snapshot; contradiction: string | null }> {
    // What is written here meanwhile is in no record that was read before.
    const known = this.#known;
    const askedAt = this.#clock.monotonic();
    const snapshot = await this.#store.read(this.cluster);
    this.#storeClock.compare(askedAt, snapshot.time);
    const record = this.#recordOf(snapshot.text);
    const isThere = snapshot.text !== null;
    const contradiction = contradictionOf(known, record, isThere);
    if (contradiction === null && isThere) this.#remember(record);
    return { record, snapshot, contradiction };
  }

  #recordOf(text: string | null): LedgerRecord {
    if (this.#lastRead === null || this.#lastRead.text !== text)
      this.#lastRead = { text, record: readRecord(text, this.cluster) };
    return this.#lastRead.record;
  }

  async #swap(
    { revision, text: before }: Snapshot,
    { record, history }: Change,
    conditions: Partial<Swap>,
  ): Promise<boolean> {
    const sameId = before === null ? null : (this.#known?.id ?? null);
    const next = { ...record, id: record.id ?? sameId ?? this.#newId(), writes: record.writes + 1 };
    const text = JSON.stringify(next);
    const swap = { expect: revision, text, history, ...conditions };
    const done = await this.#store.swap(this.cluster, swap);
    if (done && contradictionOf(this.#known, next, true) === null) this.#remember(next);
    return done;
  }

  /** While a ledger is in doubt, the one that was known before may come back. */
  #remember(record: LedgerRecord): void {
    this.#highest = Math.max(this.#highest, record.token);
    if (record.doubt === null) this.#known = remember(this.#known, record);
  }
}

function isHeld(record: LedgerRecord, snapshot: Snapshot): boolean {
  return record.claim !== null && snapshot.alive.has(record.claim.token);
}
