/** Decision logs as NDJSON: to a file, or to standard output. */
import type { Clock } from '../ports/clock.ts';
import { type FileOptions, LogFile } from './file.ts';
import type { DecisionLog, Identity, LogRecord } from './record.ts';

/** What JSON leaves as it is and some readers of lines take for the end of one: C1 controls (U+0085), U+2028, U+2029. */
const LINE_BREAKERS = /[\u007f-\u009f\u2028\u2029]/g;

const escapeCharacter = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * A record as an NDJSON line: `time` (ISO 8601, UTC) comes first, then the fields in the record's own order. The line is
 * put together from strings, since a copy of the record with the time in front costs more than its JSON.
 */
export function lineOf(time: string, record: LogRecord): string {
  const fields = JSON.stringify(record).slice(1).replace(LINE_BREAKERS, escapeCharacter);
  return `{"time":"${time}",${fields}\n`;
}

/** Records as NDJSON lines into `write`, with the time at which they were written. */
export function createRecorder(write: (line: string) => void, clock: Clock): (record: LogRecord) => void {
  return (record) => write(lineOf(new Date(clock.now()).toISOString(), record));
}

/** Makes the line that stands for `lost` records. */
function createLostLine(clock: Clock, { gate, cluster }: Identity): (lost: number, since: number) => string {
  const lines: string[] = [];
  const record = createRecorder((line) => lines.push(line), clock);
  return (lost, since) => {
    record({ event: 'log-lost', gate, cluster, lost, since: new Date(since).toISOString() });
    return lines.pop() as string;
  };
}

/**
 * A decision log in a file that is rotated.
 * @param options.identity of the gate, for the record that stands for lost ones
 * @throws if the file can't be opened
 */
export function createFileLog({
  identity,
  ...options
}: Omit<FileOptions, 'lostLine'> & { readonly identity: Identity }): DecisionLog & { readonly lost: number } {
  const file = new LogFile({ ...options, lostLine: createLostLine(options.clock, identity) });
  const record = createRecorder((line) => file.write(line), options.clock);
  return {
    write: record,
    reopen: (change) => file.reopen(change),
    close: () => file.close(),
    get lost() {
      return file.lost;
    },
    get lostInAll() {
      return file.lostInAll;
    },
  };
}

export interface StreamOptions {
  readonly stream: NodeJS.WritableStream & { readonly writableLength: number };
  /** Bytes that may wait for the reader of the stream. */
  readonly buffer: number;
  readonly clock: Clock;
  /** Of the gate, for the record that stands for lost ones. */
  readonly identity: Identity;
  /** Called once, when the reader went away. */
  readonly onError?: (error: Error) => void;
}

/**
 * A decision log on a stream such as standard output; beyond `buffer` bytes unread, records are dropped and
 * counted. A reader that went away (`| head`) ends the log, not the gate.
 */
export function createStreamLog({
  stream,
  buffer,
  clock,
  identity,
  onError = () => {},
}: StreamOptions): DecisionLog {
  const lostLine = createLostLine(clock, identity);
  let lost = 0;
  let lostInAll = 0;
  let lostSince = 0;
  let broken = false;
  let pending = 0;
  let idle = () => {};
  const put = (line: string) => {
    pending++;
    stream.write(line, () => {
      if (--pending === 0) idle();
    });
  };
  const sayLost = () => {
    if (lost > 0) put(lostLine(lost, lostSince));
    lost = 0;
  };
  stream.on('error', (error: Error) => {
    if (!broken) onError(error);
    broken = true;
    idle();
  });
  const record = createRecorder((line) => {
    if (broken) {
      lostInAll++;
      return;
    }
    if (stream.writableLength + Buffer.byteLength(line) > buffer) {
      lostInAll++;
      if (lost++ === 0) lostSince = clock.now();
      return;
    }
    sayLost();
    put(line);
  }, clock);
  return {
    get lostInAll() {
      return lostInAll;
    },
    write: record,
    close() {
      if (!broken) sayLost();
      return new Promise((resolve) => {
        if (broken || pending === 0) resolve();
        else idle = resolve;
      });
    },
  };
}
