/**
 * Records as OpenTelemetry logs, in OTLP's JSON: attributes that OpenTelemetry has a stable name for go by it, all
 * others are the record's own fields under `skewgate.`, in OpenTelemetry's spelling (`phases.helloMs` is
 * `skewgate.phases.hello_ms`). A field that is null has nothing to say, and is left out.
 */
import { peerIn, type Severity, sentenceOf, severityOf } from '../describe.ts';
import type { Identity, LogRecord } from '../record.ts';

/** One value, as OTLP spells it; integers are texts in its JSON. */
export type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } }
  | { readonly kvlistValue: { readonly values: readonly KeyValue[] } };

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** A `LogRecord` of OTLP. */
export interface OtlpLogRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: AnyValue;
  readonly attributes: readonly KeyValue[];
}

const SEVERITY_NUMBERS: Readonly<Record<Severity, number>> = { info: 9, warn: 13, error: 17 };

/** What the resource or the name of the event says already. */
const ELSEWHERE: ReadonlySet<string> = new Set(['event', 'gate', 'cluster', 'peer', 'message']);

/** @param now ms since the epoch */
export function toLogRecord(now: number, record: LogRecord): OtlpLogRecord {
  const severity = severityOf(record);
  const time = `${Math.trunc(now)}000000`;
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: SEVERITY_NUMBERS[severity],
    severityText: severity.toUpperCase(),
    eventName: `skewgate.${record.event.replaceAll('-', '_')}`,
    body: { stringValue: sentenceOf(record) },
    attributes: [...conventional(record), ...own('skewgate', record)],
  };
}

/** What all records of a gate share. */
export function resourceOf({ gate, cluster }: Identity): { readonly attributes: readonly KeyValue[] } {
  return {
    attributes: [
      text('service.name', 'skewgate'),
      text('service.namespace', cluster),
      text('service.instance.id', gate),
    ],
  };
}

/** By the stable names of the semantic conventions: https://opentelemetry.io/docs/specs/semconv/ */
function conventional(record: LogRecord): KeyValue[] {
  const peer = peerIn(record);
  const refused = record.event === 'handshake' && record.verdict === 'refuse' ? record.code : null;
  return [
    ...(peer === null
      ? []
      : [
          text('client.address', peer.host),
          { key: 'client.port', value: { intValue: String(peer.port) } },
          text('network.transport', 'tcp'),
        ]),
    ...(refused === null ? [] : [text('error.type', refused)]),
  ];
}

function* own(prefix: string, fields: object): Generator<KeyValue> {
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue;
    if (prefix === 'skewgate' && ELSEWHERE.has(name)) continue;
    // What clients name themselves keeps its name.
    const key = `${prefix}.${prefix === 'skewgate.properties' ? name : spelt(name)}`;
    if (typeof value === 'object' && !Array.isArray(value)) yield* own(key, value);
    else yield { key, value: anyOf(value) };
  }
}

/** `helloMs` as `hello_ms`. */
const spelt = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const text = (key: string, value: string): KeyValue => ({ key, value: { stringValue: value } });

function anyOf(value: unknown): AnyValue {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyOf) } };
  if (typeof value === 'object' && value !== null)
    return { kvlistValue: { values: [...own('', value)].map(unprefixed) } };
  return { stringValue: String(value) };
}

const unprefixed = ({ key, value }: KeyValue): KeyValue => ({ key: key.slice(1), value });
