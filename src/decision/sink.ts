/** Events on their way into the decision log. */
import type { GateEvent, HandshakeEvent } from '../events/events.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { DecisionLog, HandshakeRecord, Identity, LogRecord } from './record.ts';
import type { Traces } from './traces.ts';

export interface LogSinkOptions {
  readonly log: DecisionLog;
  /** Of the gate that the events happen in. */
  readonly identity: Identity;
  readonly traces: Traces;
}

/** Writes a record for each event, with the identity of the gate that it happened in. */
export function createLogSink({ log, identity, traces }: LogSinkOptions): EventSink {
  return {
    emit(event) {
      log.write(recordOf(event, identity, traces));
    },
  };
}

function recordOf(event: GateEvent, identity: Identity, traces: Traces): LogRecord {
  return event.event === 'handshake' ? handshakeOf(event, identity, traces) : { ...identity, ...event };
}

function handshakeOf(
  { decision, ...facts }: HandshakeEvent,
  identity: Identity,
  traces: Traces,
): HandshakeRecord {
  const { trace, ...decided } = decision;
  const isKept = traces === 'all' || (traces === 'refused' && decision.verdict === 'refuse');
  return { ...identity, ...facts, ...decided, ...(isKept && { trace }) };
}
