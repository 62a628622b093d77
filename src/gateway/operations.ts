/**
 * What an operator can make a gate do. Each verb says who asks and why, can be asked for its preview alone (`dryRun`),
 * is recorded as an `operator` event, and resolves when what its effect says is true, or says what it waits for.
 */
import type { Cluster } from '../cluster/cluster.ts';
import { plural } from '../config/units.ts';
import type { OperatorEvent } from '../events/events.ts';
import type { EventSink } from '../events/fan-out.ts';
import { listNames } from '../policy/move.ts';
import { type Clock, deadline } from '../ports/clock.ts';
import { type Random, randomId } from '../ports/random.ts';
import {
  type Asked,
  type Effect,
  type EffectDetails,
  effectOfDrain,
  effectOfPause,
  OperationError,
  printTime,
  targetOf,
} from './effect.ts';
import type { Ending } from './ending.ts';
import { type Heeding, sessionsOf } from './heeding.ts';
import { type Order, type OrderScope, type Orders, type Target, TooManyOrders } from './orders.ts';
import { kickedSession } from './refusals.ts';
import type { SessionRegistry } from './sessions.ts';
import type { Settings } from './settings.ts';
import { requireTarget, spellTarget, warningsAbout } from './targets.ts';
import type { HeldClients } from './wait.ts';

/** Orders for all gates of the cluster, in the store that they share. */
export interface SharedOrders {
  /**
   * Resolves once it is in the store, `Orders.setShared` was called with it, and all gates heed it or do not say so in time.
   * @returns what is waited for, as a clause; null: nothing
   * @throws {Error} if it can't be stored
   */
  share(order: Order): Promise<string | null>;
  /** The same for its end. */
  withdraw(id: string): Promise<string | null>;
}

export interface OperationsContext {
  readonly orders: Orders;
  readonly heeding: Heeding;
  readonly sessions: SessionRegistry;
  readonly cluster: Cluster;
  /** Of the listeners, as bound. */
  readonly addresses: () => readonly string[];
  readonly settings: Settings;
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

export interface AskedDrain extends AskedOrder {
  readonly target: Target;
  /** ms over which sessions end evenly; null: they end as they like. Absent: `timeouts.drain`. */
  readonly overMs?: number | null | undefined;
  /** ms after which it ends by itself; null or absent: not before `undrain`. */
  readonly forMs?: number | null | undefined;
  /** ms to wait for the last session at most; absent: as long as sessions are being ended. */
  readonly waitMs?: number | undefined;
}

export interface AskedUndrain extends AskedOrder {
  readonly target: Target;
}

export interface AskedKick extends Asked {
  /** Its id. */
  readonly session: string;
}

/** An order that stands, and how far it is. */
export interface OrderStatus extends Omit<Order, 'target' | 'at' | 'until'> {
  readonly target: OperatorEvent['target'];
  /** ISO 8601. */
  readonly at: string;
  readonly until: string | null;
  /** Sessions that a drain ends, and how many of them are left. */
  readonly sessions: number;
  readonly left: number;
}

/** How long a pause lasts if nobody says, ms: one that was forgotten is an outage. */
export const PAUSE = 300_000;
/** ms beyond the last turn that sessions get to be over. */
const LAST_ENDS = 2_000;

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

  /** What stands, oldest first, with its progress. */
  list(): OrderStatus[] {
    const { orders, heeding } = this.#context;
    return orders.list().map((order) => {
      const ending = heeding.endingOf(order.id);
      return {
        ...order,
        target: targetOf(order.target),
        at: printTime(order.at) as string,
        until: printTime(order.until),
        sessions: ending?.total ?? 0,
        left: ending?.left ?? 0,
      };
    });
  }

  /**
   * Has new clients wait, `forMs` long at most; sessions go on.
   * @throws {OperationError}
   */
  async pause({ forMs = PAUSE, ...asked }: AskedPause): Promise<Effect> {
    const order = this.#order(asked, { what: 'pause', target: { kind: 'gate' }, forMs, overMs: null });
    const waitsFor = asked.dryRun ? null : await this.#give(order);
    return this.#effect('pause', asked, order, {
      sentence: effectOfPause(order, this.#context.sessions.count),
      waitsFor,
      done: waitsFor === null,
    });
  }

  /**
   * Takes every pause back: those of this gate alone, and with the scope `cluster` those for all gates too.
   * @throws {OperationError}
   */
  async resume(asked: AskedOrder): Promise<Effect> {
    const { held } = this.#context;
    const waiting = held.counts().operator;
    return this.#undo('resume', asked, { kind: 'gate' }, (found) =>
      found === 0 ? 'Nothing is paused.' : `Clients are admitted again: ${plural(waiting, 'client')} waited.`,
    );
  }

  /**
   * Has a server get no new sessions, a listener or the gate take no clients, or clients of some releases refused; and
   * ends the sessions that belong there, evenly over `overMs`.
   * @throws {OperationError}
   */
  async drain({ target, forMs = null, waitMs, ...asked }: AskedDrain): Promise<Effect> {
    const { sessions, settings } = this.#context;
    const { overMs = settings.times.drain } = asked;
    requireTarget(target, this.#context);
    const warnings = warningsAbout(target, this.#context);
    const order = this.#order(asked, { what: 'drain', target, forMs, overMs });
    const clients = sessions.countByClient(sessionsOf(target));
    const total = Object.values(clients).reduce((sum, count) => sum + count, 0);
    const about = { sentence: effectOfDrain(order, total), sessions: total, left: total, clients, warnings };
    if (asked.dryRun) return this.#effect('drain', asked, order, about);
    const unheard = await this.#give(order);
    const ending = this.#context.heeding.endingOf(order.id);
    if (ending !== null)
      await this.#await(
        ending,
        waitMs ?? (overMs === null ? 0 : settings.times.lameDuck + overMs + LAST_ENDS),
      );
    const isStanding = this.#context.orders.list().some(({ id }) => id === order.id);
    const left = ending?.left ?? 0;
    const isOver = left === 0 && (ending?.isOver ?? false);
    const waits = left > 0 ? `${plural(left, 'session')} to end` : 'balancers to notice';
    const waitsFor = isStanding && !isOver ? waits : unheard;
    const sentence = isStanding ? about.sentence : `${about.sentence} It was taken back meanwhile.`;
    return this.#effect('drain', asked, order, {
      ...about,
      sentence,
      left,
      waitsFor,
      done: isStanding && waitsFor === null,
    });
  }

  /**
   * Takes every drain of that target back, with the scope `cluster` also those for all gates. Sessions that had not
   * ended yet go on.
   * @throws {OperationError}
   */
  async undrain({ target, ...asked }: AskedUndrain): Promise<Effect> {
    const { heeding } = this.#context;
    const left = this.#standing('drain', target).reduce(
      (sum, { id }) => sum + (heeding.endingOf(id)?.left ?? 0),
      0,
    );
    const name = spellTarget(target);
    return this.#undo('undrain', asked, target, (found) =>
      found === 0
        ? `${name}: not drained.`
        : `${name}: not drained any more; ${plural(left, 'session')} that ${left === 1 ? 'was' : 'were'} still to end ${left === 1 ? 'goes' : 'go'} on.`,
    );
  }

  /**
   * Ends one session.
   * @throws {OperationError} if there is none of that id
   */
  async kick({ session, ...asked }: AskedKick): Promise<Effect> {
    const { sessions, events } = this.#context;
    const view = sessions.list().find((open) => open.session === session);
    if (view === undefined)
      throw new OperationError(`There is no session ${JSON.stringify(session)}.`, { isMissing: true });
    const { client, peer, server } = view;
    const sentence = `Closes session ${session} of client ${client} from ${peer} on server ${server}.`;
    const target = { kind: 'session', name: session } as const;
    const about = { sentence, sessions: 1, left: asked.dryRun ? 1 : 0, clients: { [client]: 1 }, target };
    if (!asked.dryRun) {
      events.emit({ ...this.#eventOf('kick', asked, sentence), target, sessions: 1 });
      await new Promise<void>((resolve) => {
        const unfollow = sessions.follow((id) => {
          if (id !== session) return;
          unfollow();
          resolve();
        });
        sessions.close(session, () => kickedSession(asked.reason));
      });
    }
    return this.#effect('kick', asked, null, about);
  }

  #order(
    { by, reason, scope = 'gate' }: AskedOrder,
    { forMs, ...rest }: Pick<Order, 'what' | 'target' | 'overMs'> & { readonly forMs: number | null },
  ): Order {
    const { random, clock } = this.#context;
    const at = clock.now();
    const until = forMs === null ? null : at + forMs;
    return { id: randomId(random, 8), ...rest, by, reason, at, until, scope };
  }

  #standing(what: Order['what'], target: Target): Order[] {
    const name = JSON.stringify(target);
    return this.#context.orders
      .list()
      .filter((order) => order.what === what && JSON.stringify(order.target) === name);
  }

  /**
   * It takes the place of what the same operator ordered about the same target before.
   * @returns what is waited for then, as a clause; null: nothing
   */
  async #give(order: Order): Promise<string | null> {
    let waitsFor: string | null = null;
    const { what, target, by, scope } = order;
    const replaced = this.#standing(what, target).filter((other) => other.by === by && other.scope === scope);
    try {
      if (scope === 'cluster') waitsFor = await this.#store().share(order);
      else this.#context.orders.add(order);
    } catch (error) {
      throw error instanceof TooManyOrders ? new OperationError(`${error.message}.`) : error;
    }
    return (await this.#takeBack(replaced)) ?? waitsFor;
  }

  /** @returns what is waited for then, as a clause; null: nothing */
  async #takeBack(orders: readonly Order[]): Promise<string | null> {
    let waitsFor: string | null = null;
    for (const { id, scope } of orders) {
      this.#context.heeding.noteTakenBack(id);
      if (scope === 'cluster') waitsFor = await this.#store().withdraw(id);
      else this.#context.orders.remove(id);
    }
    return waitsFor;
  }

  #store(): SharedOrders {
    if (this.#shared === null)
      throw new OperationError('This gate shares no store with others, so an order can only be for itself.');
    return this.#shared;
  }

  async #undo(
    what: 'resume' | 'undrain',
    asked: AskedOrder,
    target: Target,
    say: (found: number) => string,
  ): Promise<Effect> {
    const { scope = 'gate' } = asked;
    const kind = what === 'resume' ? 'pause' : 'drain';
    const found = this.#standing(kind, target);
    const others = scope === 'cluster' ? [] : found.filter((order) => order.scope === 'cluster');
    const sentence = say(found.length);
    let unheard: string | null = null;
    if (!asked.dryRun) {
      unheard = await this.#takeBack(found.filter((order) => !others.includes(order)));
      this.#context.events.emit({ ...this.#eventOf(what, asked, sentence), target: targetOf(target), scope });
    }
    const by = others[0]?.by;
    const waitsFor =
      by === undefined
        ? unheard
        : `the ${kind} for all gates that ${by} ordered: take that back for all gates`;
    return this.#effect(what, asked, null, {
      sentence,
      waitsFor,
      done: waitsFor === null,
      target: targetOf(target),
      scope,
      warnings: found.length > 0 ? [] : this.#whatElse(kind),
    });
  }

  /** For somebody who spelt a target in another way than it was ordered. */
  #whatElse(kind: Order['what']): string[] {
    const others = this.#context.orders.list().filter(({ what }) => what === kind);
    const names = [...new Set(others.map(({ target }) => spellTarget(target)))];
    return names.length === 0 ? [] : [`What is drained: ${listNames(names)}.`];
  }

  async #await(ending: Ending, ms: number): Promise<void> {
    if (ms <= 0) return;
    const limit = deadline(this.#context.clock, ms);
    while (!ending.isOver && !limit.signal.aborted) await ending.changes.next(limit.signal);
    limit.clear();
  }

  #eventOf(what: OperatorEvent['what'], { by, reason }: Asked, effect: string): OperatorEvent {
    const target = { kind: 'gate', name: null } as const;
    const none = { order: null, scope: 'gate', until: null, overMs: null, sessions: 0 } as const;
    return { event: 'operator', what, stage: 'done', by, reason, target, ...none, effect };
  }

  #effect(
    what: Effect['what'],
    { dryRun = false }: Asked,
    order: Order | null,
    about: Pick<Effect, 'sentence'> & Partial<Effect> & Partial<EffectDetails>,
  ): Effect {
    const { sentence, sessions = 0, done = true, waitsFor = null, ...details } = about;
    const { left = 0, clients = {}, warnings = [], target, scope } = details;
    return {
      what,
      dryRun,
      done: done && !dryRun,
      waitsFor,
      sessions,
      sentence,
      details: {
        target: target ?? targetOf(order?.target ?? { kind: 'gate' }),
        scope: scope ?? order?.scope ?? 'gate',
        order: dryRun ? null : (order?.id ?? null),
        until: printTime(order?.until ?? null),
        overMs: order?.overMs ?? null,
        left,
        clients,
        held: this.#context.held.counts().operator,
        warnings,
      },
    };
  }
}
