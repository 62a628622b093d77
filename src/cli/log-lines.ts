/** One line of text for one record of the decision log. */
import type { LogRecord } from '../decision/record.ts';
import type { Verdict } from '../policy/types.ts';
import { paint, paintVerdict } from './print.ts';

/** The fields that one or another kind of migration record has. */
interface MigrationLine {
  readonly what: string;
  readonly fromLevel?: number | null;
  readonly toLevel?: number | null;
  readonly error?: string | null;
}

export type Stamped = LogRecord & { readonly time: string };

/** Null for records that say nothing to a person. */
export function lineOf(record: Stamped): string | null {
  const text = textOf(record);
  return text === null ? null : `${paint('dim', record.time.slice(11, 23))}  ${text}`;
}

function textOf(record: LogRecord): string | null {
  switch (record.event) {
    case 'handshake': {
      const verdict: Verdict = record.verdict;
      const to = record.server === null ? '' : ` -> ${record.server} (${record.serverVersion})`;
      const held = record.phases.heldMs > 0 ? ` after waiting ${Math.round(record.phases.heldMs)} ms` : '';
      return `${paintVerdict(verdict, verdict.padEnd(7))} ${(record.client ?? '?').padEnd(8)} ${record.code} ${record.rule}${to}${held}${verdict === 'permit' ? '' : `: ${record.message}`}`;
    }
    case 'session-end':
      return `ended   ${record.client.padEnd(8)} session ${record.session} on ${record.server}, ${record.bytesFromClient} bytes up, ${record.bytesFromServer} down (${record.reason})`;
    case 'server':
      return `server  ${record.server} ${record.state} ${record.version ?? 'version unknown'}${record.lastError ? `: ${record.lastError}` : ''}`;
    case 'migration': {
      const { what, fromLevel, toLevel, error }: MigrationLine = record;
      const levels =
        toLevel === undefined || toLevel === null ? '' : `: level ${fromLevel ?? 'unknown'} to ${toLevel}`;
      return `upgrade ${what}${levels}${error ? `: ${error}` : ''}`;
    }
    case 'gate':
      return `gate    ${record.what}`;
    case 'log-lost':
      return paint('red', `lost    ${record.lost} records since ${record.since.slice(11, 23)}`);
    default:
      return null;
  }
}
