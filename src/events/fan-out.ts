/** From the modules that see things happen to everybody who wants to know: one place to emit into, any sinks behind it. */
import type { GateEvent } from './events.ts';

/** Takes events. `emit` neither throws nor waits, since what happened must not depend on who hears of it. */
export interface EventSink {
  emit(event: GateEvent): void;
}

/** Hands each event to every sink, in their order. */
export function createFanOut(sinks: readonly EventSink[]): EventSink {
  return {
    emit(event) {
      for (const sink of sinks) sink.emit(event);
    },
  };
}
