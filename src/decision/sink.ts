/** Events on their way into the decision log. */
import type { GateEvent, HandshakeEvent } from '../events/events.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { DecisionLog, HandshakeRecord, Identity, LogRecord } from './record.ts';
import type { Traces } from './traces.ts';

export interface LogSinkOptions {
  readonly log: DecisionLog;
  /** Of the gate that the events happen in. */
  readonly identity: Identity;
  /** As they are now. */
  readonly settings: { readonly traces: Traces };
}

/** Writes a record for each event, with the identity of the gate that it happened in. */
export function createLogSink({ log, identity, settings }: LogSinkOptions): EventSink {
  return {
    emit(event) {
      log.write(recordOf(event, identity, settings.traces));
    },
  };
}

function recordOf(event: GateEvent, identity: Identity, traces: Traces): LogRecord {
  if (event.event === 'handshake') return handshakeOf(event, identity, traces);
  return Object.assign({ event: event.event, gate: identity.gate, cluster: identity.cluster }, event);
}

/** Field by field, since this is written for every client: spreading three objects into a fourth costs more than JSON. */
function handshakeOf(event: HandshakeEvent, { gate, cluster }: Identity, traces: Traces): HandshakeRecord {
  const { decision } = event;
  const record = {
    event: event.event,
    gate,
    cluster,
    listener: event.listener,
    connection: event.connection,
    peer: event.peer,
    driver: event.driver,
    protocol: event.protocol,
    claim: event.claim,
    tls: event.tls,
    properties: event.properties,
    identity: event.identity,
    credential: event.credential,
    session: event.session,
    server: event.server,
    serverVersion: event.serverVersion,
    waitedFor: event.waitedFor,
    phases: event.phases,
    policyHash: event.policyHash,
    verdict: decision.verdict,
    code: decision.code,
    rule: decision.rule,
    client: decision.client,
    observed: decision.observed,
    move: decision.move,
    retry: decision.retry,
    retryAfterMs: decision.retryAfterMs,
    vendorCode: decision.vendorCode,
    sqlState: decision.sqlState,
    message: decision.message,
    notices: decision.notices,
    notes: decision.notes,
  };
  if (decision.verdict !== 'refuse') return traces === 'all' ? { ...record, trace: decision.trace } : record;
  return {
    ...record,
    ...(decision.limit !== undefined && { limit: decision.limit }),
    ...(traces !== 'none' && { trace: decision.trace }),
  };
}
