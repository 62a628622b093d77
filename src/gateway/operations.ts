/**
 * What an operator can make a gate do. Each verb says who asks and why, can be asked for its preview alone (`dryRun`),
 * is recorded as an `operator` event, and resolves when what its effect says is true, or says what it waits for.
 */
import { plural, seconds } from '../config/units.ts';
import type { OperatorEvent } from '../events/events.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { Clock } from '../ports/clock.ts';
import { type Random, randomId } from '../ports/random.ts';
import { type Asked, type Effect, OperationError, printTime, targetOf } from './effect.ts';
import { type Order, type OrderScope, type Orders, TooManyOrders } from './orders.ts';
import type { SessionRegistry } from './sessions.ts';
import type { HeldClients } from './wait.ts';

/** Orders for all gates of the cluster, in the store that they share. */
export interface SharedOrders {
  /** Resolves once it is in the store and `Orders.setShared` was called with it. @throws {Error} if it can't be stored */
  share(order: Order): Promise<void>;
  /** The same for its end. */
  withdraw(id: string): Promise<void>;
}

export interface OperationsContext {
  readonly orders: Orders;
  readonly sessions: SessionRegistry;
  readonly held: HeldClients;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
}

/** What verbs are told that give an order or take one back. Absent scope: `gate`. */
export interface AskedOrder extends Asked {
  readonly scope?: OrderScope | undefined;
}

export interface AskedPause extends AskedOrder {
  /** ms after which it ends by itself; null: not before `resume`. Absent: `PAUSE`. */
  readonly forMs?: number | null | undefined;
}

/** How long a pause lasts if nobody says, ms: one that was forgotten is an outage. */
export const PAUSE = 300_000;

type Facts = Pick<Effect, 'sessions' | 'sentence'> &
  Partial<Pick<Effect, 'done' | 'waitsFor'>> & { readonly order?: Order | null; readonly scope: OrderScope };

/** The verbs of one gate. */
export class Operations {
  readonly #context: OperationsContext;
  #shared: SharedOrders | null = null;

  constructor(context: OperationsContext) {
    this.#context = context;
  }

  /** From here on orders can be for all gates of the cluster. */
  shareThrough(shared: SharedOrders): void {
    this.#shared = shared;
  }

  /**
   * Has new clients wait, `forMs` long at most; sessions go on.
   * @throws {OperationError}
   */
  async pause({ forMs = PAUSE, ...asked }: AskedPause): Promise<Effect> {
    const { clock, sessions } = this.#context;
    const now = clock.now();
    const order = this.#order(asked, { what: 'pause', target: { kind: 'gate' }, now, forMs, overMs: null });
    const how = forMs === null ? 'until an operator resumes' : `for ${seconds(forMs)}, or until resumed`;
    const sentence = `New clients wait ${how}; ${plural(sessions.count, 'session')} ${sessions.count === 1 ? 'goes' : 'go'} on.`;
    if (!asked.dryRun) await this.#give(order);
    return this.#tell('pause', asked, { order, sentence, sessions: 0, scope: order.scope });
  }

  /**
   * Takes every pause back: those of this gate alone, and with the scope `cluster` those for all gates too.
   * @throws {OperationError}
   */
  async resume(asked: AskedOrder): Promise<Effect> {
    const { orders, held } = this.#context;
    const { scope = 'gate' } = asked;
    const pauses = orders.list().filter(({ what }) => what === 'pause');
    const other = scope === 'cluster' ? undefined : pauses.find((order) => order.scope === 'cluster');
    const waiting = plural(held.counts().operator, 'client');
    const sentence =
      pauses.length === 0
        ? 'Nothing is paused.'
        : `Clients are admitted again, ${waiting} that wait among them.`;
    if (!asked.dryRun)
      await this.#takeBack(
        pauses.filter((order) => order !== other && (scope === 'cluster' || order.scope === 'gate')),
      );
    return this.#tell('resume', asked, {
      sentence,
      sessions: 0,
      scope,
      ...(other && {
        done: false,
        waitsFor: `the pause for all gates that ${other.by} ordered: resume all of them`,
      }),
    });
  }

  #order(
    { by, reason, scope = 'gate' }: AskedOrder,
    {
      now,
      forMs,
      ...rest
    }: Pick<Order, 'what' | 'target' | 'overMs'> & { now: number; forMs: number | null },
  ): Order {
    const id = randomId(this.#context.random, 8);
    return { id, ...rest, by, reason, at: now, until: forMs === null ? null : now + forMs, scope };
  }

  async #give(order: Order): Promise<void> {
    try {
      if (order.scope === 'cluster') await this.#store().share(order);
      else this.#context.orders.add(order);
    } catch (error) {
      throw error instanceof TooManyOrders ? new OperationError(`${error.message}.`) : error;
    }
  }

  async #takeBack(orders: readonly Order[]): Promise<void> {
    for (const { id, scope } of orders)
      if (scope === 'cluster') await this.#store().withdraw(id);
      else this.#context.orders.remove(id);
  }

  #store(): SharedOrders {
    if (this.#shared === null)
      throw new OperationError('This gate shares no store with others, so an order can only be for itself.');
    return this.#shared;
  }

  /** The effect, which is recorded unless it is a preview. */
  #tell(what: OperatorEvent['what'], asked: Asked, facts: Facts): Effect {
    const { sessions, sentence, done = true, waitsFor = null, order = null, scope } = facts;
    const { by, reason, dryRun = false } = asked;
    const target = targetOf(order?.target ?? { kind: 'gate' });
    const lasting = { until: printTime(order?.until ?? null), overMs: order?.overMs ?? null };
    const id = dryRun ? null : (order?.id ?? null);
    if (!dryRun)
      this.#context.events.emit({
        event: 'operator',
        what,
        stage: done ? 'done' : 'begun',
        by,
        reason,
        target,
        order: id,
        scope,
        ...lasting,
        sessions,
        effect: sentence,
      });
    const { operator: held } = this.#context.held.counts();
    const details = { target, scope, order: id, ...lasting, left: 0, clients: {}, held, warnings: [] };
    return { what, dryRun, done: done && !dryRun, waitsFor, sessions, sentence, details };
  }
}

/** What is on record of an order whose time is over. */
export function lapseOf({ id, what, target, by, reason, until, overMs, scope }: Order): OperatorEvent {
  return {
    event: 'operator',
    what,
    stage: 'lapsed',
    by,
    reason,
    target: targetOf(target),
    order: id,
    scope,
    until: printTime(until),
    overMs,
    sessions: 0,
    effect:
      what === 'pause'
        ? 'The time of the pause is over: clients are admitted again.'
        : 'The time of the drain is over.',
  };
}
