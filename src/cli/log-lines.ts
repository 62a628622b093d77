/** One line of text for one record of the decision log; a record of any shape is taken, and nothing of it acts on a terminal. */
import { VERDICTS, type Verdict } from '../policy/types.ts';
import { type Entry, numberIn, objectIn, shown, textIn } from './log/entry.ts';
import { paint, paintVerdict } from './print.ts';

type Fields = Pick<Entry, 'fields'>;

/** How times are shown: `local` in the zone of this machine, otherwise in UTC. */
export interface TimeZone {
  readonly local: boolean;
}

/** Null for events that this version does not know. */
export function lineOf(record: { readonly time: string; readonly event: string }): string | null {
  const fields = record as unknown as Entry['fields'];
  return entryLine({ event: record.event, at: Date.parse(record.time), fields }, { local: false });
}

/** The same for an entry of a log. */
export function entryLine(
  { event, at, fields }: Pick<Entry, 'event' | 'at' | 'fields'>,
  zone: TimeZone,
): string | null {
  const text = TEXTS[event]?.({ fields });
  return text === undefined ? null : `${paint('dim', clockOf(at, zone))}  ${text}`;
}

/** The time of day, to the millisecond. */
export function clockOf(at: number, zone: TimeZone): string {
  return stampOf(at, zone).slice(11, 23);
}

/** The day, `2026-01-31`. */
export function dayOf(at: number, zone: TimeZone): string {
  return stampOf(at, zone).slice(0, 10);
}

function stampOf(at: number, { local }: TimeZone): string {
  const offset = local ? new Date(at).getTimezoneOffset() * 60_000 : 0;
  return new Date(at - offset).toISOString();
}

const TEXTS: Readonly<Record<string, (record: Fields) => string>> = {
  handshake,
  'session-end': (record) =>
    `ended   ${shown(record, 'client').padEnd(8)} session ${shown(record, 'session')} on ${shown(record, 'server')}, ${shown(record, 'bytesFromClient')} bytes up, ${shown(record, 'bytesFromServer')} down (${shown(record, 'reason')})`,
  'turned-away': (record) =>
    `cut off ${shown(record, 'count')} clients of ${textIn(record, 'source') === null ? 'further sources' : shown(record, 'source')} (${shown(record, 'limit')})`,
  server: (record) =>
    `server  ${shown(record, 'server')} ${shown(record, 'state')} ${textIn(record, 'version') === null ? 'version unknown' : shown(record, 'version')}${errorOf(record, 'lastError')}`,
  migration(record) {
    const to = numberIn(record, 'toLevel');
    const levels = to === null ? '' : `: level ${numberIn(record, 'fromLevel') ?? 'unknown'} to ${to}`;
    return `upgrade ${shown(record, 'what')}${levels}${errorOf(record, 'error')}`;
  },
  gate: (record) => `gate    ${shown(record, 'what')}${errorOf(record, 'error')}`,
  operator(record) {
    const why = textIn(record, 'reason') ? ` (${shown(record, 'reason')})` : '';
    return `operator ${shown(record, 'what')} ${shown(record, 'stage')} by ${shown(record, 'by')}${why}: ${shown(record, 'effect')}`;
  },
  'log-lost': (record) =>
    paint('red', `lost    ${shown(record, 'lost')} records since ${shown(record, 'since').slice(11, 23)}`),
};

function handshake(record: Fields): string {
  const verdict = shown(record, 'verdict');
  const padded = verdict.padEnd(7);
  const painted = (VERDICTS as readonly string[]).includes(verdict)
    ? paintVerdict(verdict as Verdict, padded)
    : padded;
  const to =
    textIn(record, 'server') === null
      ? ''
      : ` -> ${shown(record, 'server')} (${shown(record, 'serverVersion')})`;
  const phases = objectIn(record, 'phases');
  const heldMs = (phases && numberIn(phases, 'heldMs')) ?? 0;
  const held = heldMs > 0 ? ` after waiting ${Math.round(heldMs)} ms` : '';
  const why = verdict === 'permit' ? '' : `: ${shown(record, 'message')}`;
  return `${painted} ${shown(record, 'client').padEnd(8)} ${shown(record, 'code')} ${shown(record, 'rule')}${to}${held}${why}`;
}

function errorOf(record: Fields, key: string): string {
  return textIn(record, key) ? `: ${shown(record, key)}` : '';
}
