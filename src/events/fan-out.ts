/** From the modules that see things happen to everybody who wants to know: one place to emit into, any sinks behind it. */
import type { GateEvent } from './events.ts';

/** Takes events. `emit` neither throws nor waits, since what happened must not depend on who hears of it. */
export interface EventSink {
  emit(event: GateEvent): void;
}

/**
 * Hands each event to every sink, in their order. A sink that throws all the same harms neither the others nor the
 * module that emitted: to the cluster, for one, an error while it talks to a server would mean that the server is down.
 * @param onFault is told of the first error of each sink; what it throws is ignored
 */
export function createFanOut(
  sinks: readonly EventSink[],
  onFault: (error: unknown) => void = () => {},
): EventSink {
  const faulty = new Set<EventSink>();
  const report = (sink: EventSink, error: unknown) => {
    if (faulty.has(sink)) return;
    faulty.add(sink);
    try {
      onFault(error);
    } catch {
      // Whoever reports the fault may be the faulty one.
    }
  };
  return {
    emit(event) {
      for (const sink of sinks) {
        try {
          sink.emit(event);
        } catch (error) {
          report(sink, error);
        }
      }
    },
  };
}
