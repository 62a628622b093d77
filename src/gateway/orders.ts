/**
 * What operators have ordered a gate to do until further notice: admit nobody for a while, or keep clear of a server, a
 * listener, some client releases, or of clients altogether. Some orders are for this gate alone and end with it, some
 * are for all gates of the cluster and come from the store that they share. Admission, sessions, listeners and the
 * cluster heed the list as it is at that moment; an order whose time is over is no longer in it.
 */

import { type ClientRange, parseClientRange } from '../config/client-range.ts';
import { Changes } from '../ports/changes.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Version } from '../version/version.ts';

/** What an order is about. `address`: of a listener, as bound, with scheme. `range`: of client releases, as in semver. */
export type Target =
  | { readonly kind: 'gate' }
  | { readonly kind: 'server'; readonly id: string }
  | { readonly kind: 'listener'; readonly address: string }
  | { readonly kind: 'clients'; readonly range: string };

/** `gate`: for the gate that was asked alone. `cluster`: for all gates, also those that start later. */
export type OrderScope = 'gate' | 'cluster';

export interface Order {
  readonly id: string;
  /** `pause` has the target `gate`: clients of every kind wait. */
  readonly what: 'pause' | 'drain';
  readonly target: Target;
  /** Who ordered it. */
  readonly by: string;
  /** Why, for people; empty: nobody said. */
  readonly reason: string;
  /** When it was ordered, ms since the epoch. */
  readonly at: number;
  /** When it ends by itself, ms since the epoch; null: it lasts until an operator takes it back. */
  readonly until: number | null;
  /** Of a drain: ms over which sessions are ended evenly; null: they are left to end by themselves. */
  readonly overMs: number | null;
  readonly scope: OrderScope;
}

/** Orders at once, here and from the store together. */
export const MAX_ORDERS = 1_000;

/** The list is full. */
export class TooManyOrders extends Error {
  override readonly name = 'TooManyOrders';
}

interface Entry {
  readonly order: Order;
  /** Since when it is heeded here, monotonic. */
  readonly since: number;
  /** Monotonic; Infinity: it does not end by itself. */
  readonly lapsesAt: number;
}

/** Every order that one gate heeds. */
export class Orders {
  /** Told whenever the list is another. */
  readonly changes = new Changes();
  readonly #clock: Clock;
  readonly #onLapse: (order: Order) => void;
  #own: readonly Entry[] = [];
  #shared: readonly Entry[] = [];
  #list: readonly Order[] = [];
  #ranges: ReadonlyArray<readonly [Order, ClientRange]> = [];
  #timer: Timer | null = null;

  /** @param onLapse told of each order that ends since its time is over, once it is no longer in the list */
  constructor(clock: Clock, onLapse: (order: Order) => void) {
    this.#clock = clock;
    this.#onLapse = onLapse;
  }

  /** Those that stand, oldest first; the same array until one of them changes. */
  list(): readonly Order[] {
    return this.#list;
  }

  /** The pause that lasts longest; null: clients are admitted. */
  get pause(): Order | null {
    return this.#lasting((order) => order.what === 'pause');
  }

  /** Why nobody is admitted here at all any more; null: clients are. */
  get gateDrain(): Order | null {
    return this.#lasting(({ what, target }) => what === 'drain' && target.kind === 'gate');
  }

  /** ms for which it is heeded here; 0 for one that is not. */
  ageOf({ id }: Order): number {
    const now = this.#clock.monotonic();
    return now - ([...this.#own, ...this.#shared].find(({ order }) => order.id === id)?.since ?? now);
  }

  /** Why this listener takes nobody; null: it does. @param address as bound, with scheme */
  drainOfListener(address: string): Order | null {
    return this.#lasting(({ target }) => target.kind === 'listener' && target.address === address);
  }

  /** Why clients of this release are turned away; null: they are not. */
  drainOfClient(version: Version): Order | null {
    const found = this.#ranges.find(([, isIn]) => isIn(version));
    return found === undefined ? null : found[0];
  }

  /** Heeds an order; one with the same id gives way to it. @throws {TooManyOrders} */
  add(order: Order): void {
    const others = this.#own.filter(({ order: { id } }) => id !== order.id);
    if (others.length + this.#shared.length >= MAX_ORDERS)
      throw new TooManyOrders(`there are ${MAX_ORDERS} orders already: take back some of them`);
    this.#set([...others, this.#entry(order)], this.#shared);
  }

  /** Heeds it no longer, if it is one of this gate alone. */
  remove(id: string): void {
    const others = this.#own.filter(({ order }) => order.id !== id);
    if (others.length < this.#own.length) this.#set(others, this.#shared);
  }

  /** What the store holds for all gates now. What this gate can't read, and those beyond `MAX_ORDERS`, it does not heed. */
  setShared(orders: readonly Order[]): void {
    const now = this.#clock.now();
    const standing = orders
      .filter((order) => (order.until === null || order.until > now) && isReadable(order))
      .slice(0, MAX_ORDERS - this.#own.length)
      .map((order) => this.#entry(order));
    this.#set(this.#own, standing);
  }

  /** Nothing ends by itself any more: the gate is at its end. */
  stop(): void {
    this.#timer?.cancel();
  }

  #entry(order: Order): Entry {
    const { id, until } = order;
    const now = this.#clock.monotonic();
    const { since = now } = [...this.#own, ...this.#shared].find((known) => known.order.id === id) ?? {};
    const left = until === null ? Number.POSITIVE_INFINITY : Math.max(0, until - this.#clock.now());
    return { order, since, lapsesAt: now + left };
  }

  #set(own: readonly Entry[], shared: readonly Entry[]): void {
    this.#own = own;
    this.#shared = shared;
    const before = this.#list;
    const list = [...own, ...shared].map(({ order }) => order).sort((a, b) => a.at - b.at);
    this.#watchTime();
    if (JSON.stringify(list) === JSON.stringify(before)) return;
    this.#list = list;
    this.#ranges = list.flatMap((order) =>
      order.target.kind === 'clients' ? [[order, parseClientRange(order.target.range)] as const] : [],
    );
    this.changes.notify();
  }

  /** Of several, the one that stands for longest: that is how long clients have to wait. */
  #lasting(isMeant: (order: Order) => boolean): Order | null {
    let longest: Order | null = null;
    for (const order of this.#list)
      if (isMeant(order) && (longest === null || lastsLonger(order, longest))) longest = order;
    return longest;
  }

  /** One timer, for the order whose time is over next. */
  #watchTime(): void {
    this.#timer?.cancel();
    const next = Math.min(...[...this.#own, ...this.#shared].map(({ lapsesAt }) => lapsesAt));
    this.#timer = Number.isFinite(next)
      ? this.#clock.after(next - this.#clock.monotonic(), () => this.#lapse())
      : null;
  }

  #lapse(): void {
    const now = this.#clock.monotonic();
    const stands = ({ lapsesAt }: Entry) => lapsesAt > now;
    const over = [...this.#own, ...this.#shared].filter((entry) => !stands(entry));
    this.#set(this.#own.filter(stands), this.#shared.filter(stands));
    for (const { order } of over) this.#onLapse(order);
  }
}

/** Another gate may know more of ranges. */
function isReadable({ target }: Order): boolean {
  if (target.kind !== 'clients') return true;
  try {
    parseClientRange(target.range);
    return true;
  } catch {
    return false;
  }
}

function lastsLonger(a: Order, b: Order): boolean {
  return (a.until ?? Number.POSITIVE_INFINITY) > (b.until ?? Number.POSITIVE_INFINITY);
}
