/** A record as other systems want it: a sentence for people, and how grave it is. */
import type { LogRecord, MigrationRecord } from './record.ts';

export type Severity = 'info' | 'warn' | 'error';

type Sentences = { readonly [Event in LogRecord['event']]: (record: Of<Event>) => string };
type Severities = { readonly [Event in LogRecord['event']]: (record: Of<Event>) => Severity };
type Of<Event> = Extract<LogRecord, { event: Event }>;

/** What keeps upgrades from going on until somebody acts, or may have harmed the tables. */
const GRAVE: ReadonlySet<MigrationRecord['what']> = new Set([
  'failed',
  'given-up',
  'lost',
  'restore-failed',
  'level-went-back',
  'foreign-ledger',
  'ledger-unavailable',
  'ledger-doubted',
  'claim-failed',
]);
const ODD: ReadonlySet<MigrationRecord['what']> = new Set([
  'clock-skew',
  'impossible-token',
  'restored',
  'hook-out-of-sight',
  'waiting-for-hook',
  'killing-hook',
]);

const because = (why: string | null | undefined) => (why ? `: ${why}` : '');

const SENTENCES: Sentences = {
  handshake: ({ message }) => message,
  'session-end': ({ session, client, server, reason, error }) =>
    `Session ${session} of client ${client} on ${server} ended (${reason})${because(error)}`,
  'turned-away': ({ count, source, limit }) =>
    `${count} clients of ${source ?? 'further sources'} were cut off (${limit})`,
  server: ({ server, state, version, lastError }) =>
    `Server ${server} is ${state}, version ${version ?? 'unknown'}${because(lastError)}`,
  gate: ({ what, error }) => `Gate ${what}${because(error)}`,
  operator: ({ what, stage, by, effect }) => `${what} ${stage} by ${by}${because(effect)}`,
  migration: (record) => `Upgrade ${record.what}${because('error' in record ? record.error : null)}`,
  'log-lost': ({ lost, since }) => `${lost} records were lost since ${since}`,
};

const SEVERITIES: Severities = {
  handshake: ({ verdict }) => (verdict === 'permit' ? 'info' : 'warn'),
  'session-end': ({ error }) => (error === null ? 'info' : 'warn'),
  'turned-away': () => 'warn',
  server: ({ state }) => (state === 'down' ? 'warn' : 'info'),
  gate: ({ what }) => {
    if (what === 'fault' || what === 'no-descriptors') return 'error';
    return what === 'signal-ignored' ? 'warn' : 'info';
  },
  operator: ({ stage }) => (stage === 'refused' ? 'warn' : 'info'),
  migration({ what }) {
    if (GRAVE.has(what)) return 'error';
    return ODD.has(what) ? 'warn' : 'info';
  },
  'log-lost': () => 'error',
};

/** A sentence about it. */
export function sentenceOf(record: LogRecord): string {
  return (SENTENCES[record.event] as (record: LogRecord) => string)(record);
}

/** How grave it is. */
export function severityOf(record: LogRecord): Severity {
  return (SEVERITIES[record.event] as (record: LogRecord) => Severity)(record);
}

/** Host and port of a peer as records have it. */
export function peerIn(record: LogRecord): { readonly host: string; readonly port: number } | null {
  if (!('peer' in record)) return null;
  const { host, port } = /^\[?(?<host>.*?)\]?:(?<port>\d+)$/.exec(record.peer)?.groups ?? {};
  return host && port ? { host, port: Number(port) } : null;
}
