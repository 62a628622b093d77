/** Events on their way into the decision log. */
import type { GateEvent, HandshakeEvent } from '../events/events.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { DecisionLog, HandshakeRecord, Identity, LogRecord } from './record.ts';

/** Writes a record for each event, with the identity of the gate that it happened in. */
export function createLogSink(log: DecisionLog, identity: Identity): EventSink {
  return { emit: (event) => log.write(recordOf(event, identity)) };
}

function recordOf(event: GateEvent, identity: Identity): LogRecord {
  return event.event === 'handshake' ? handshakeOf(event, identity) : { ...identity, ...event };
}

function handshakeOf({ decision, ...facts }: HandshakeEvent, identity: Identity): HandshakeRecord {
  return { ...identity, ...facts, ...decision };
}
