/**
 * Records in Elastic's common schema: what ECS has a field for stands in that field, and the whole record as it is
 * under `skewgate`, which ECS leaves to us. The first fields are those that ecs-logging asks for, in its order.
 */
import net from 'node:net';
import { peerIn, sentenceOf, severityOf } from './describe.ts';
import type { LogRecord } from './record.ts';

const VERSION = '8.11.0';
/** Nanoseconds, in which ECS has durations, for a millisecond. */
const MS = 1e6;

interface Classes {
  readonly category: readonly string[];
  readonly type: readonly string[];
}

type Of<Event> = Extract<LogRecord, { event: Event }>;

const CLASSES: { readonly [Event in LogRecord['event']]: (record: Of<Event>) => Classes } = {
  handshake: ({ verdict }) => ({
    category: ['network'],
    type: ['connection', ...(verdict === 'permit' ? ['allowed', 'start'] : ['denied'])],
  }),
  'session-end': () => ({ category: ['network', 'session'], type: ['end'] }),
  'turned-away': () => ({ category: ['network'], type: ['connection', 'denied'] }),
  server: ({ first }) => ({ category: ['host'], type: [first ? 'info' : 'change'] }),
  gate: ({ what }) => ({ category: ['process'], type: [LIFE[what] ?? 'info'] }),
  operator: () => ({ category: ['configuration'], type: ['change'] }),
  migration: (record) => ({
    category: ['database'],
    type: [severityOf(record) === 'error' ? 'error' : 'change'],
  }),
  'log-lost': () => ({ category: ['file'], type: ['info'] }),
};

const LIFE: Readonly<Partial<Record<Of<'gate'>['what'], string>>> = {
  started: 'start',
  draining: 'change',
  stopped: 'end',
};

/** @param time ISO 8601 */
export function toEcs(time: string, record: LogRecord): object {
  const severity = severityOf(record);
  const error = errorIn(record);
  return {
    '@timestamp': time,
    'log.level': severity,
    message: sentenceOf(record),
    'ecs.version': VERSION,
    service: { name: 'skewgate', node: { name: record.gate } },
    orchestrator: { cluster: { name: record.cluster } },
    event: {
      kind: 'event',
      dataset: 'skewgate.decisions',
      action: 'what' in record ? `${record.event}-${record.what}` : record.event,
      ...(CLASSES[record.event] as (record: LogRecord) => Classes)(record),
      ...factsOf(record),
    },
    ...sidesOf(record),
    ...(error !== null && { error: { message: error } }),
    skewgate: record,
  };
}

/** What ECS has in `event` of a client's way in, and of how long things took. */
function factsOf(record: LogRecord): object {
  if (record.event === 'handshake')
    return {
      id: record.connection,
      code: record.code,
      outcome: record.verdict === 'permit' ? 'success' : 'failure',
      duration: Math.round(record.phases.totalMs * MS),
    };
  if (record.event === 'session-end')
    return { id: record.session, reason: record.reason, duration: Math.round(record.durationMs * MS) };
  return {};
}

/** The client, and the rule that it was judged by. */
function sidesOf(record: LogRecord): object {
  const peer = peerIn(record);
  if (peer === null) return {};
  const user = 'properties' in record ? record.properties.user : undefined;
  const bytes = record.event === 'session-end' ? { bytes: record.bytesFromClient } : {};
  return {
    source: {
      address: peer.host,
      ...(net.isIP(peer.host) !== 0 && { ip: peer.host }),
      port: peer.port,
      ...bytes,
    },
    network: { transport: 'tcp' },
    ...(user !== undefined && { user: { name: user } }),
    ...(record.event === 'handshake' && { rule: { id: record.rule } }),
  };
}

function errorIn(record: LogRecord): string | null {
  if (record.event === 'server') return record.lastError;
  return 'error' in record ? record.error : null;
}

/** A parsed line of a log in either form, as the record; what is no line of ECS from here stays as it is. */
export function recordIn(line: Record<string, unknown>): Record<string, unknown> {
  const { '@timestamp': time, skewgate } = line;
  if (typeof time !== 'string' || typeof skewgate !== 'object' || skewgate === null) return line;
  return { time, ...skewgate };
}
