/** How a record becomes a line of the log. */
import { toEcs } from './ecs.ts';
import type { LogRecord } from './record.ts';

/** `json`: the record as it is; `ecs`: in Elastic's common schema. */
export const FORMATS = ['json', 'ecs'] as const;
export type Format = (typeof FORMATS)[number];

/** What JSON leaves as it is and some readers of lines take for the end of one: C1 controls (U+0085), U+2028, U+2029. */
const LINE_BREAKERS = /[\u007f-\u009f\u2028\u2029]/g;

const escapeCharacter = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * A record as an NDJSON line: `time` (ISO 8601, UTC) comes first, then the fields in the record's own order. The line is
 * put together from strings, since a copy of the record with the time in front costs more than its JSON.
 */
export function lineOf(time: string, record: LogRecord, format: Format = 'json'): string {
  if (format === 'ecs') return `${escaped(JSON.stringify(toEcs(time, record)))}\n`;
  return `{"time":"${time}",${escaped(JSON.stringify(record).slice(1))}\n`;
}

const escaped = (json: string) => json.replace(LINE_BREAKERS, escapeCharacter);
