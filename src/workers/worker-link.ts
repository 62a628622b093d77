/** A worker's end of the channel to its supervisor: its room under the shared limits, and what is found out of servers. */
import type { Finding } from '../cluster/finding.ts';
import { Slots } from '../gateway/slots.ts';
import type { Clock } from '../ports/clock.ts';
import { LIMITS, type Limit, type Start, type ToSupervisor, type ToWorker } from './messages.ts';

/** ms for which a worker that was told that there is no room does not ask again. */
const DENIED_MS = 50;

export interface WorkerLinkOptions {
  /** Over all workers. */
  readonly limits: Readonly<Record<Limit, number>>;
  readonly room: Start['room'];
  readonly clock: Clock;
  /** Time in ms, on a clock that all processes of the machine share. */
  readonly machineTime: () => number;
  readonly send: (message: ToSupervisor) => void;
}

interface Ask {
  answered: PromiseWithResolvers<void> | null;
  /** When a refusal of room may no longer hold. */
  deniedUntil: number;
}

/** What the gate of a worker has of its supervisor. */
export class WorkerLink {
  /** The gate's places. */
  readonly slots: Readonly<Record<Limit, Slots>>;
  readonly #options: WorkerLinkOptions;
  readonly #asks: Readonly<Record<Limit, Ask>>;

  constructor(options: WorkerLinkOptions) {
    this.#options = options;
    const { limits, room } = options;
    const made = LIMITS.map((limit) => {
      const slots = new Slots(limits[limit], room[limit], () => this.#ask(limit));
      return [limit, { slots, ask: { answered: null, deniedUntil: Number.NEGATIVE_INFINITY } }] as const;
    });
    this.slots = Object.fromEntries(made.map(([limit, { slots }]) => [limit, slots])) as Record<Limit, Slots>;
    this.#asks = Object.fromEntries(made.map(([limit, { ask }]) => [limit, ask])) as Record<Limit, Ask>;
  }

  /** What this worker found out goes to the others, with its age as any process of the machine sees it. */
  share(finding: Finding): void {
    const { clock, machineTime, send } = this.#options;
    const askedAt = machineTime() - (clock.monotonic() - finding.askedAt);
    send({ kind: 'found', finding: { ...finding, askedAt } });
  }

  /** What another worker found out, on this worker's clock. */
  received(finding: Finding): Finding {
    const { clock, machineTime } = this.#options;
    return { ...finding, askedAt: clock.monotonic() - (machineTime() - finding.askedAt) };
  }

  /** Other limits hold from now on. */
  resize({ limits, room }: Extract<ToWorker, { readonly kind: 'commit' }>): void {
    for (const limit of LIMITS) this.slots[limit].resize(limits[limit], room[limit]);
  }

  /** Takes what concerns the limits. */
  heard(message: Extract<ToWorker, { readonly kind: 'room' | 'spare' }>): void {
    const { limit } = message;
    const slots = this.slots[limit];
    if (message.kind === 'spare') return this.#options.send({ kind: 'back', limit, count: slots.shrink() });
    slots.grow(message.count);
    const ask = this.#asks[limit];
    if (message.count === 0) ask.deniedUntil = this.#options.clock.monotonic() + DENIED_MS;
    ask.answered?.resolve();
    ask.answered = null;
  }

  /** One question at a time, whoever wants to know. */
  #ask(limit: Limit): Promise<void> {
    const ask = this.#asks[limit];
    if (ask.answered !== null) return ask.answered.promise;
    if (this.#options.clock.monotonic() < ask.deniedUntil) return Promise.resolve();
    ask.answered = Promise.withResolvers();
    this.#options.send({ kind: 'more', limit });
    return ask.answered.promise;
  }
}
