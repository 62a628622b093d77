/** Decision logs on pino: to a file, or to standard output. */
import { type DestinationStream, pino } from 'pino';
import type { Clock } from '../ports/clock.ts';
import { type FileOptions, LogFile } from './file.ts';
import type { DecisionLog, LogRecord } from './record.ts';

/** Records as NDJSON lines into `write`: `time` (ISO 8601, UTC) and `event` first. */
export function createRecorder(write: (line: string) => void, clock: Clock): (record: LogRecord) => void {
  const destination: DestinationStream = { write };
  const logger = pino(
    {
      base: null,
      messageKey: 'event',
      // Without a level pino writes nothing before the time, so its usual leading comma goes too.
      formatters: { level: () => ({}) },
      timestamp: () => `"time":"${new Date(clock.now()).toISOString()}"`,
    },
    destination,
  );
  return ({ event, ...fields }) => logger.info(fields, event);
}

/** The line that stands for `lost` records. */
function createLostLine(clock: Clock): (lost: number, since: number) => string {
  const lines: string[] = [];
  const record = createRecorder((line) => lines.push(line), clock);
  return (lost, since) => {
    record({ event: 'log-lost', lost, since: new Date(since).toISOString() });
    return lines.pop() as string;
  };
}

export function createFileLog(
  options: Omit<FileOptions, 'lostLine'>,
): DecisionLog & { readonly lost: number } {
  const file = new LogFile({ ...options, lostLine: createLostLine(options.clock) });
  const record = createRecorder((line) => file.write(line), options.clock);
  return {
    write: record,
    close: () => file.close(),
    get lost() {
      return file.lost;
    },
  };
}

/**
 * To a stream such as standard output; beyond `buffer` bytes unread, records are dropped and counted. A reader
 * that went away (`| head`) ends the log, not the gate: `onError` is told, once.
 */
export function createStreamLog(
  stream: NodeJS.WritableStream & { readonly writableLength: number },
  buffer: number,
  clock: Clock,
  onError: (error: Error) => void = () => {},
): DecisionLog {
  const lostLine = createLostLine(clock);
  let lost = 0;
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
    if (broken) return;
    if (stream.writableLength + Buffer.byteLength(line) > buffer) {
      if (lost++ === 0) lostSince = clock.now();
      return;
    }
    sayLost();
    put(line);
  }, clock);
  return {
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
