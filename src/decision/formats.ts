/** How a record becomes a line of the log. */
import { escapeActive } from '../events/escape.ts';
import { toEcs } from './ecs.ts';
import type { LogRecord } from './record.ts';

/** `json`: the record as it is; `ecs`: in Elastic's common schema. */
export const FORMATS = ['json', 'ecs'] as const;
export type Format = (typeof FORMATS)[number];

/**
 * A record as an NDJSON line: `time` (ISO 8601, UTC) comes first, then the fields in the record's own order. The line is
 * put together from strings, since a copy of the record with the time in front costs more than its JSON.
 */
export function lineOf(time: string, record: LogRecord, format: Format = 'json'): string {
  if (format === 'ecs') return `${escapeActive(JSON.stringify(toEcs(time, record)))}\n`;
  return `{"time":"${time}",${escapeActive(JSON.stringify(record).slice(1))}\n`;
}
