/**
 * How late the event loop is: what a timer that is due ten times a second is late by is what every client, server and
 * probe has to wait at that moment. A histogram, unlike a quantile since the last scrape, can be added up over gates
 * and over time.
 */
import type { Registry } from 'prom-client';
import type { Clock, Timer } from '../ports/clock.ts';
import { histogram } from './registry.ts';

const INTERVAL_MS = 100;

/** The delay of the event loop as a metric; it is measured from `measure` to `stop`. */
export function createLoopDelay(registry: Registry, clock: Clock): { measure(): void; stop(): void } {
  const delay = histogram(registry, 'skewgate_event_loop_delay_seconds');
  let timer: Timer | null = null;
  const measure = () => {
    const due = clock.monotonic() + INTERVAL_MS;
    timer = clock.after(INTERVAL_MS, () => {
      delay.observe(Math.max(0, clock.monotonic() - due) / 1_000);
      measure();
    });
  };
  return { measure, stop: () => timer?.cancel() };
}
