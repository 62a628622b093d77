/**
 * Carries out orders as they come and go: drained servers count as draining, drained sessions end evenly, and of each
 * order it is on record when it began and when what it says is true, wherever the operator asked for it.
 */
import type { Cluster } from '../cluster/cluster.ts';
import { parseClientRange } from '../config/client-range.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { Clock } from '../ports/clock.ts';
import { effectOfDrain, effectOfPause, eventOf } from './effect.ts';
import { Ending } from './ending.ts';
import type { Order, Orders, Target } from './orders.ts';
import { drainedSession } from './refusals.ts';
import type { SessionFilter, SessionRegistry } from './sessions.ts';
import type { Settings } from './settings.ts';

export interface HeedingContext {
  readonly orders: Orders;
  readonly sessions: SessionRegistry;
  readonly cluster: Cluster;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly events: EventSink;
}

/** Who took an order back that was for all gates, as far as this one knows. */
const ELSEWHERE = 'an operator of another gate';

/** The orders of one gate as they are carried out, until `stop`. */
export class Heeding {
  readonly #context: HeedingContext;
  #heeded: ReadonlyMap<string, Order> = new Map();
  /** Of the drains among them. */
  readonly #endings = new Map<string, Ending>();
  /** Ids of orders whose end this gate's own operator asked for: that is on record already. */
  readonly #takenBack = new Set<string>();
  #isStopped = false;

  constructor(context: HeedingContext) {
    this.#context = context;
    this.#follow();
  }

  /** How far a drain is; null: there is none of that id. */
  endingOf(order: string): Ending | null {
    return this.#endings.get(order) ?? null;
  }

  /** What an operator takes back here is on record as that. */
  noteTakenBack(order: string): void {
    if (this.#heeded.has(order)) this.#takenBack.add(order);
  }

  /** An order's time is over. */
  noteLapsed(order: Order): void {
    const { events } = this.#context;
    const effect =
      order.what === 'pause'
        ? 'The time of the pause is over: clients are admitted again.'
        : 'The time of the drain is over.';
    events.emit(eventOf(order, 'lapsed', { sessions: 0, effect }));
  }

  /** No session is ended on anybody's order any more: the gate itself ends them. */
  stop(): void {
    this.#isStopped = true;
    for (const ending of this.#endings.values()) ending.stop();
  }

  /** In the very turn in which the list of orders changes. */
  #follow(): void {
    this.#context.orders.changes.tell(() => {
      if (this.#isStopped) return;
      this.#follow();
      this.#heed();
    });
  }

  #heed(): void {
    const { orders, cluster } = this.#context;
    const before = this.#heeded;
    this.#heeded = new Map(orders.list().map((order) => [order.id, order]));
    const servers = orders.list().flatMap(({ target }) => (target.kind === 'server' ? [target.id] : []));
    cluster.drain(new Set(servers));
    for (const order of before.values()) if (!this.#heeded.has(order.id)) this.#end(order);
    for (const order of this.#heeded.values()) if (!before.has(order.id)) this.#begin(order);
  }

  #begin(order: Order): void {
    const { sessions, clock, events, settings } = this.#context;
    if (order.what === 'pause') {
      events.emit(eventOf(order, 'done', { sessions: 0, effect: effectOfPause(order, sessions.count) }));
      return;
    }
    const ending = new Ending({
      sessions,
      clock,
      isMeant: sessionsOf(order.target),
      overMs: order.overMs,
      delayMs: order.target.kind === 'gate' ? settings.times.lameDuck : 0,
      closeFor: () => drainedSession(order),
    });
    this.#endings.set(order.id, ending);
    const facts = { sessions: ending.total, effect: effectOfDrain(order, ending.total) };
    if (!ending.isOver) events.emit(eventOf(order, 'begun', facts));
    void whenOver(ending, () => {
      if (this.#endings.get(order.id) === ending && !this.#isStopped)
        events.emit(eventOf(order, 'done', facts));
    });
  }

  #end(order: Order): void {
    const { events, clock } = this.#context;
    this.#endings.get(order.id)?.stop();
    this.#endings.delete(order.id);
    const isTold = this.#takenBack.delete(order.id);
    const hasLapsed = order.until !== null && order.until <= clock.now();
    if (isTold || hasLapsed || order.scope === 'gate') return;
    const what = order.what === 'pause' ? 'resume' : 'undrain';
    const effect = what === 'resume' ? 'Clients are admitted again.' : 'It takes clients and sessions again.';
    events.emit({ ...eventOf(order, 'done', { sessions: 0, effect }), what, by: ELSEWHERE, reason: '' });
  }
}

function whenOver(ending: Ending, act: () => void): void {
  if (ending.isOver) return act();
  ending.changes.tell(() => whenOver(ending, act));
}

/** The sessions that a drain ends. */
export function sessionsOf(target: Target): SessionFilter {
  switch (target.kind) {
    case 'gate':
      return () => true;
    case 'server':
      return ({ server }) => server === target.id;
    case 'listener':
      return ({ listener }) => listener === target.address;
    case 'clients': {
      const isIn = parseClientRange(target.range);
      return (_session, { facts }) => isIn(facts.version);
    }
  }
}
