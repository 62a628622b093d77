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

export function createFileLog(
  options: Omit<FileOptions, 'lostLine'>,
): DecisionLog & { readonly lost: number } {
  const lostLine = (lost: number, since: number) =>
    `${JSON.stringify({
      time: new Date(options.clock.now()).toISOString(),
      lost,
      since: new Date(since).toISOString(),
      event: 'log-lost',
    })}\n`;
  const file = new LogFile({ ...options, lostLine });
  const record = createRecorder((line) => file.write(line), options.clock);
  return {
    write: record,
    close: () => file.close(),
    get lost() {
      return file.lost;
    },
  };
}

/** To a stream such as standard output; beyond `buffer` bytes unread, records are dropped and counted. */
export function createStreamLog(
  stream: NodeJS.WritableStream & { readonly writableLength: number },
  buffer: number,
  clock: Clock,
): DecisionLog {
  let lost = 0;
  let broken = false;
  let pending = 0;
  let idle = () => {};
  const put = (line: string) => {
    pending++;
    stream.write(line, () => {
      if (--pending === 0) idle();
    });
  };
  // A reader that went away (`| head`) ends the log, not the gate.
  stream.on('error', () => {
    broken = true;
    idle();
  });
  const record = createRecorder((line) => {
    if (broken) return;
    if (stream.writableLength > buffer) {
      lost++;
      return;
    }
    if (lost > 0) {
      put(`${JSON.stringify({ time: new Date(clock.now()).toISOString(), lost, event: 'log-lost' })}\n`);
      lost = 0;
    }
    put(line);
  }, clock);
  return {
    write: record,
    close: () =>
      new Promise((resolve) => {
        if (broken || pending === 0) resolve();
        else idle = resolve;
      }),
  };
}
