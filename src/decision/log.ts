/** Decision logs as NDJSON: to a file, or to standard output. */
import type { Clock } from '../ports/clock.ts';
import { type FileOptions, LogFile } from './file.ts';
import { type Format, lineOf } from './formats.ts';
import type { DecisionLog, Identity, LogRecord } from './record.ts';

/** Records as NDJSON lines into `write`, with the time at which they were written. */
export function createRecorder(
  write: (line: string) => void,
  clock: Clock,
  format?: Format,
): (record: LogRecord) => void {
  return (record) => write(lineOf(new Date(clock.now()).toISOString(), record, format));
}

/** Makes the line that stands for `lost` records. */
function createLostLine(
  clock: Clock,
  { gate, cluster }: Identity,
  format: Format | undefined,
): (lost: number, since: number) => string {
  const lines: string[] = [];
  const record = createRecorder((line) => lines.push(line), clock, format);
  return (lost, since) => {
    record({ event: 'log-lost', gate, cluster, lost, since: new Date(since).toISOString() });
    return lines.pop() as string;
  };
}

interface LineOptions {
  /** Of the gate, for the record that stands for lost ones. */
  readonly identity: Identity;
  /** Default: `json`. */
  readonly format?: Format | undefined;
}

/**
 * A decision log in a file that is rotated.
 * @throws if the file can't be opened
 */
export function createFileLog({
  identity,
  format,
  ...options
}: Omit<FileOptions, 'lostLine'> & LineOptions): DecisionLog & { readonly lost: number } {
  const file = new LogFile({ ...options, lostLine: createLostLine(options.clock, identity, format) });
  const record = createRecorder((line) => file.write(line), options.clock, format);
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

export interface StreamOptions extends LineOptions {
  readonly stream: NodeJS.WritableStream & { readonly writableLength: number };
  /** Bytes that may wait for the reader of the stream. */
  readonly buffer: number;
  readonly clock: Clock;
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
  format,
  onError = () => {},
}: StreamOptions): DecisionLog {
  const lostLine = createLostLine(clock, identity, format);
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
  const record = createRecorder(
    (line) => {
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
    },
    clock,
    format,
  );
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
