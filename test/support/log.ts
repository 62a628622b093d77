/** A decision log that keeps its records as a reader of the NDJSON would see them, each held to the log's schema. */
import { Writable } from 'node:stream';
import { recordSchema } from '../../src/decision/schema.ts';
import { Changes } from '../../src/ports/changes.ts';
import { until } from './until.ts';

// biome-ignore lint/suspicious/noExplicitAny: records are read field by field, as a program reading the log does.
export type LogLine = Record<string, any> & { readonly event: string };

export class CollectedLog {
  readonly changes = new Changes();
  readonly lines: LogLine[] = [];
  /** Called within the write. */
  onLine: (line: LogLine) => void = () => {};
  readonly stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      const line = recordSchema.parse(JSON.parse(String(chunk))) as LogLine;
      this.lines.push(line);
      this.onLine(line);
      this.changes.notify();
      done();
    },
  });

  /** Of one event, oldest first; `what` are fields and their values. */
  of(event: string, what: Readonly<Record<string, unknown>> = {}): LogLine[] {
    return this.lines.filter(
      (line) => line.event === event && Object.entries(what).every(([key, value]) => line[key] === value),
    );
  }

  get handshakes(): LogLine[] {
    return this.of('handshake');
  }

  get codes(): string[] {
    return this.handshakes.map(({ code }) => code);
  }

  /** The `count`th such record, once it is there. On real time only. */
  async until(event: string, what: Readonly<Record<string, unknown>> = {}, count = 1): Promise<LogLine> {
    await until(
      this.changes,
      () => this.of(event, what).length >= count,
      `${count} × ${event} ${JSON.stringify(what)} in the log`,
    );
    return this.of(event, what)[count - 1] as LogLine;
  }
}
