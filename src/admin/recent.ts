/**
 * What happened lately in a gate, for its operators: a sink of events whose memory is bounded whatever comes. What is
 * older is in the decision log.
 */
import type { GateEvent, HandshakeEvent, OperatorEvent } from '../events/events.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { Clock } from '../ports/clock.ts';
import { Charts } from './charts.ts';
import { RefusalCounts } from './refusals.ts';
import { Ring } from './ring.ts';
import { SeenClients } from './seen-clients.ts';

const DECISIONS = 2_000;
const ACTS = 500;

/** An event and when it happened. */
export interface Timed<E> {
  readonly event: E;
  /** ms since the epoch. */
  readonly at: number;
}

/** The last of what a gate did. */
export class Recent implements EventSink {
  readonly decisions = new Ring<Timed<HandshakeEvent>>(DECISIONS);
  /** Of operators. */
  readonly acts = new Ring<Timed<OperatorEvent>>(ACTS);
  readonly seen = new SeenClients();
  readonly refusals = new RefusalCounts();
  readonly charts: Charts;
  /** Tells the numbers of this process from those of the one before it. */
  readonly epoch: string;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.charts = new Charts(clock);
    this.epoch = clock.now().toString(36);
  }

  emit(event: GateEvent): void {
    const at = this.#clock.now();
    if (event.event === 'operator') this.acts.push({ event, at });
    if (event.event !== 'handshake') return;
    const wasAdmitted = event.decision.verdict === 'permit';
    this.decisions.push({ event, at });
    this.seen.note(event, at);
    this.charts.count(wasAdmitted);
    if (!wasAdmitted) this.refusals.note(event.decision, at);
  }
}
