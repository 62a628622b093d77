/**
 * The metrics of one gate, for Prometheus. They hear of its events as a sink, and look at the gate when somebody asks.
 * Load this only where somebody may ask: it brings prom-client, and timers that measure the process.
 */
import { Registry } from 'prom-client';
import type { GateEvent } from '../events/events.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { Store } from '../migration/ledger/store.ts';
import type { Policy } from '../policy/types.ts';
import type { Clock } from '../ports/clock.ts';
import { createLoopDelay } from './event-loop.ts';
import { addGauges, type Look, type MetricsSource } from './gauges.ts';
import { HandshakeMetrics } from './handshakes.ts';
import { createLedgerTimes } from './ledger-times.ts';
import { addProcessMetrics } from './process.ts';
import { counter } from './registry.ts';

export interface MetricsOptions {
  readonly clock: Clock;
  /** Version of skewgate. */
  readonly program: string;
}

/** The gate that metrics are of, with the policy that it decides by now. */
export interface MeteredGate extends MetricsSource {
  readonly settings: { readonly policyHash: string; readonly policy: Policy };
}

/** What a gate is built with to be measured, and what is known of it then. */
export interface Metrics {
  /** To be among the sinks of its events. */
  readonly sink: EventSink;
  /** What its ledger's store is to be used through. */
  readonly observeStore: (store: Store) => Store;
  /** Says which gate it is, once that is built; from then on the process is measured, until `close`. */
  attach(gate: MeteredGate): void;
  /** Counts a request to the admin side that was refused. @param error the word of its answer, one of few */
  readonly countRefusedRequest: (error: string) => void;
  /** All metrics, as `contentType` says. */
  text(): Promise<string>;
  readonly contentType: string;
  close(): void;
}

/** Those that a client can run into, by their keys in the config. */
const LIMITS = [
  'handshakes',
  'sessions',
  'hold.clients',
  'handshakesPerSource',
  'connectionsPerSource',
  'connectRate',
  'heldMemory',
];

function lookAt({ gate, log, migration, settings }: MeteredGate, clock: Clock): Look {
  return { log, migration, settings, status: gate.status(), now: clock.now() };
}

/** Metrics of one gate, in a registry of their own. */
export function createMetrics({ clock, program }: MetricsOptions): Metrics {
  const registry = new Registry();
  const handshakes = new HandshakeMetrics(registry);
  const reloads = counter(registry, 'skewgate_reloads_total');
  for (const outcome of ['applied', 'refused']) reloads.inc({ outcome }, 0);
  const refusedRequests = counter(registry, 'skewgate_admin_refused_total');
  for (const error of ['NO_TOKEN', 'WRONG_TOKEN']) refusedRequests.inc({ error }, 0);
  const refusals = counter(registry, 'skewgate_limit_refusals_total');
  for (const limit of LIMITS) refusals.inc({ limit }, 0);
  const observeStore = createLedgerTimes(registry, clock);
  const loop = createLoopDelay(registry, clock);
  let gate: MeteredGate | null = null;
  let look: Look | null = null;
  addGauges(registry, () => look, program);
  addProcessMetrics(registry);
  return {
    sink: {
      emit(event: GateEvent) {
        if (event.event === 'handshake' && gate !== null) handshakes.note(event, gate.settings.policy);
        if (event.event === 'handshake' && event.decision.limit !== undefined)
          refusals.inc({ limit: event.decision.limit });
        if (event.event === 'turned-away') refusals.inc({ limit: event.limit }, event.count);
        if (event.event === 'operator' && event.what === 'reload')
          reloads.inc({ outcome: event.stage === 'done' ? 'applied' : 'refused' });
      },
    },
    observeStore,
    countRefusedRequest: (error) => refusedRequests.inc({ error }),
    attach(metered) {
      if (gate === null) loop.measure();
      gate = metered;
    },
    text() {
      // All are read in this turn, before the promise of any settles.
      look = gate && lookAt(gate, clock);
      return registry.metrics();
    },
    contentType: registry.contentType,
    close: () => loop.stop(),
  };
}
