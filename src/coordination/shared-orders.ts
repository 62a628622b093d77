/**
 * Orders for all gates of a cluster, in the ledger's store: they last until their own end or until an operator takes them
 * back, whichever gates live meanwhile, and hold for gates that start later. Each gate says in its announcement up to
 * which change of the orders it heeds them, so that who gives an order learns when all do.
 */
import { z } from 'zod';
import { MAX_ORDERS, type Order, type Orders, TooManyOrders } from '../gateway/orders.ts';
import { StoreClock } from '../migration/ledger/store-clock.ts';
import { deadline } from '../ports/clock.ts';
import type { GateView } from './announcement.ts';
import type { Gates } from './gates.ts';
import { RecordWatch } from './record-watch.ts';
import { type Reading, type RecordPlace, SharedRecord } from './shared-record.ts';

/** ms between readings, where the store tells of no change: within this, and what a reading takes, an order is heeded. */
const BEAT = 1_000;
/** ms that the other gates get to say that they heed an order, until it is said which of them is waited for. */
const HEED_MS = 5_000;
/** Gates that are named where several are waited for. */
const MAX_NAMED = 5;

const orderSchema = z.object({
  id: z.string(),
  what: z.enum(['pause', 'drain']),
  target: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('gate') }),
    z.object({ kind: z.literal('server'), id: z.string() }),
    z.object({ kind: z.literal('listener'), address: z.string() }),
    z.object({ kind: z.literal('clients'), range: z.string() }),
  ]),
  by: z.string(),
  reason: z.string(),
  /** By the store's clock, as `until`. */
  at: z.number(),
  until: z.number().nullable(),
  overMs: z.number().nullable(),
  scope: z.literal('cluster'),
});

const ordersSchema = z.object({
  /** Counts the changes. */
  writes: z.int(),
  orders: z.array(orderSchema),
});

type OrdersRecord = z.infer<typeof ordersSchema>;

export interface SharedOrdersOptions extends RecordPlace {
  /** Gets what the store holds. */
  readonly orders: Pick<Orders, 'setShared'>;
  readonly gates: Pick<Gates, 'list' | 'changes' | 'announce' | 'standing'>;
  /** Told when the store gets out of reach, and why; null: it is back. */
  readonly outOfReach: (why: string | null) => void;
}

/** The orders for all gates, as one gate gives and heeds them. */
export class SharedOrders {
  readonly #options: SharedOrdersOptions;
  readonly #record: SharedRecord<OrdersRecord>;
  readonly #watch: RecordWatch<OrdersRecord>;
  readonly #clock: StoreClock;
  #known: OrdersRecord | null = null;
  #isOut = false;

  constructor(options: SharedOrdersOptions) {
    this.#options = options;
    this.#clock = new StoreClock(options.clock);
    this.#record = new SharedRecord(options, 'orders', ordersSchema, { writes: 0, orders: [] });
    this.#watch = new RecordWatch({
      record: this.#record,
      clock: options.clock,
      beat: () => BEAT,
      read: (reading) => this.#take(reading),
      failed: ({ message }) => this.#setOut(message),
    });
  }

  /** The last change that this gate heeds; null: it could not read them yet. */
  get heeds(): number | null {
    return this.#known?.writes ?? null;
  }

  /** Resolves once they are heeded, or the store turned out to be out of reach. Never rejects. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  /** Those that stand go on to be heeded here. */
  stop(): Promise<void> {
    return this.#watch.stop();
  }

  /**
   * Gives an order to all gates. Resolves once all that are alive heed it, or do not say so in time.
   * @param order with times by the gate's own clock
   * @returns who is waited for, as a clause; null: nobody
   * @throws {TooManyOrders}
   * @throws {LedgerUnavailable | LedgerFormatError} if it can't be stored
   */
  share(order: Order): Promise<string | null> {
    return this.#change(({ value, time }) => {
      const others = standingIn(value, time).filter(({ id }) => id !== order.id);
      if (others.length >= MAX_ORDERS)
        throw new TooManyOrders(`there are ${MAX_ORDERS} orders already: take back some of them`);
      return [...others, { ...moved(order, -this.#clock.ahead), scope: 'cluster' as const }];
    });
  }

  /** Takes an order back, as `share` gives it; nothing if it is not there any more. */
  withdraw(id: string): Promise<string | null> {
    return this.#change(({ value, time }) => {
      if (!value.orders.some((order) => order.id === id)) return null;
      return standingIn(value, time).filter((order) => order.id !== id);
    });
  }

  async #change(
    next: (reading: Reading<OrdersRecord>) => OrdersRecord['orders'] | null,
  ): Promise<string | null> {
    const written = await this.#record.update((reading) => {
      const orders = next(reading);
      return orders === null ? null : { writes: reading.value.writes + 1, orders };
    });
    await this.#watch.look();
    return this.#untilHeeded(written?.writes ?? this.heeds ?? 0);
  }

  async #untilHeeded(writes: number): Promise<string | null> {
    const { gates, clock } = this.#options;
    const limit = deadline(clock, HEED_MS);
    for (;;) {
      const seen = gates.changes.count;
      const late = gates.list().filter(({ heeds, isSelf }) => !isSelf && (heeds === null || heeds < writes));
      if (late.length === 0 || limit.signal.aborted) {
        limit.clear();
        return late.length === 0 ? this.#doubt() : waitingFor(late);
      }
      await gates.changes.next(limit.signal, seen);
    }
  }

  /** What is known of the others may be old. */
  #doubt(): string | null {
    const { why } = this.#options.gates.standing;
    return why === null ? null : `word of the other gates: ${why}`;
  }

  /** What stands now is heeded, and said to be. */
  async #take(reading: Reading<OrdersRecord>): Promise<void> {
    const { value, time, askedAt } = reading;
    this.#clock.compare(askedAt, time);
    this.#setOut(null);
    if (this.#known !== null && value.writes < this.#known.writes) return this.#putBack(this.#known);
    const isNew = value.writes !== this.#known?.writes;
    const { ahead } = this.#clock;
    const standing = standingIn(value, time).map((order) => moved(order, ahead));
    if (isNew) this.#options.orders.setShared(standing);
    this.#known = value;
    if (isNew) void this.#options.gates.announce();
  }

  /** The store was lost, or is an older copy: it gets what the gates go by. */
  async #putBack({ writes, orders }: OrdersRecord): Promise<void> {
    await this.#record.update(({ value }) => (value.writes < writes ? { writes: writes + 1, orders } : null));
  }

  #setOut(why: string | null): void {
    if (this.#isOut === (why !== null)) return;
    this.#isOut = why !== null;
    this.#options.outOfReach(why);
  }
}

function standingIn({ orders }: OrdersRecord, time: number): OrdersRecord['orders'] {
  return orders.filter(({ until }) => until === null || until > time);
}

/** The same order by another clock, which is ahead by `ms`. */
function moved<O extends Pick<Order, 'at' | 'until'>>(order: O, ms: number): O {
  return { ...order, at: order.at + ms, until: order.until === null ? null : order.until + ms };
}

function waitingFor(late: readonly GateView[]): string {
  const names = late
    .slice(0, MAX_NAMED)
    .map(({ id, ageMs }) => `${id} (heard of ${Math.round(ageMs / 1_000)} s ago)`);
  const more = late.length - names.length;
  return `word that it is heeded by ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
