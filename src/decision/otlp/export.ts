/**
 * Records on their way to an OpenTelemetry receiver, by OTLP over HTTP in JSON. They wait in memory for a second, to go
 * together, and for as long as the receiver is away; what finds no room is lost and counted, and a `log-lost` record
 * says so as soon as there is room again. It neither stops its writer nor waits for anything but its close.
 */
import type { Clock, Timer } from '../../ports/clock.ts';
import type { DecisionLog, Identity, LogRecord } from '../record.ts';
import { resourceOf, toLogRecord } from './log-record.ts';
import type { Answer, Post } from './post.ts';

export interface ExportOptions {
  readonly post: Post;
  /** Characters of records that may wait. */
  readonly buffer: number;
  readonly clock: Clock;
  /** Of the gate that the records are of. */
  readonly identity: Identity;
  /** Told when the receiver begins to refuse or to be away (with the reason), and when it takes records again (null). */
  readonly onTrouble: (why: string | null) => void;
}

/** ms that records wait for others to go with. */
const GATHER_MS = 1_000;
/** Records that go together at most. */
const BATCH = 512;
/** ms before the first of several tries in a row; each later one waits twice as long, up to the longest. */
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** The export of one gate's records. Its promises are those at the top of this module. */
export class OtlpExport implements DecisionLog {
  readonly #options: ExportOptions;
  readonly #head: string;
  #queue: string[] = [];
  #queued = 0;
  #lost = 0;
  #lostSince = 0;
  #lostInAll = 0;
  #timer: Timer | null = null;
  #sending: Promise<void> | null = null;
  #failures = 0;
  #retryMs = RETRY_MS;
  #inTrouble = false;
  #closed = false;

  constructor(options: ExportOptions) {
    this.#options = options;
    const resource = JSON.stringify(resourceOf(options.identity));
    this.#head = `{"resourceLogs":[{"resource":${resource},"scopeLogs":[{"scope":{"name":"skewgate"},"logRecords":[`;
  }

  /** Records that found no room, or that the receiver refused. */
  get lostInAll(): number {
    return this.#lostInAll;
  }

  write(record: LogRecord): void {
    const { clock, buffer } = this.#options;
    const line = JSON.stringify(toLogRecord(clock.now(), record));
    if (this.#closed || this.#queued + line.length > buffer) return this.#lose(1);
    this.#put(line);
    if (this.#sending === null && this.#queue.length >= BATCH && this.#failures === 0) this.#send();
    else this.#later(GATHER_MS);
  }

  /** One more try for what waits; what the receiver does not take then is lost. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#sending;
    this.#cancel();
    this.#sayLost();
    while (this.#queue.length > 0 && (await this.#try()));
    this.#lostInAll += this.#queue.length;
    this.#queue = [];
  }

  #put(line: string): void {
    this.#queue.push(line);
    this.#queued += line.length;
  }

  #lose(count: number): void {
    if (this.#lost === 0) this.#lostSince = this.#options.clock.now();
    this.#lost += count;
    this.#lostInAll += count;
  }

  #later(ms: number): void {
    if (this.#closed || this.#sending !== null) return;
    this.#timer ??= this.#options.clock.after(ms, () => {
      this.#timer = null;
      this.#send();
    });
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #send(): void {
    this.#cancel();
    this.#sending = this.#try().then((goOn) => {
      this.#sending = null;
      if (this.#closed || this.#queue.length === 0) return;
      if (goOn && this.#queue.length >= BATCH) this.#send();
      else this.#later(goOn ? GATHER_MS : this.#retryMs);
    });
  }

  /** Sends the oldest records. @returns whether the next may follow; false: the receiver is away */
  async #try(): Promise<boolean> {
    const batch = this.#queue.slice(0, BATCH);
    const answer = await this.#options.post(`${this.#head}${batch.join(',')}]}]}]}`);
    if (answer.kind === 'away') return this.#wait(answer);
    this.#failures = 0;
    this.#queue = this.#queue.slice(batch.length);
    for (const line of batch) this.#queued -= line.length;
    const refused = answer.kind === 'refused' ? batch.length : answer.refused;
    this.#lostInAll += refused;
    this.#tell(refused > 0 ? (answer.why ?? `${refused} records were refused`) : null);
    this.#sayLost();
    return true;
  }

  #wait({ why, retryAfterMs }: Extract<Answer, { kind: 'away' }>): false {
    this.#retryMs = Math.min(LONGEST_RETRY_MS, retryAfterMs ?? RETRY_MS * 2 ** this.#failures);
    this.#failures++;
    this.#tell(why);
    return false;
  }

  #tell(why: string | null): void {
    if (this.#inTrouble === (why !== null)) return;
    this.#inTrouble = why !== null;
    this.#options.onTrouble(why);
  }

  #sayLost(): void {
    if (this.#lost === 0) return;
    const { identity, clock } = this.#options;
    const since = new Date(this.#lostSince).toISOString();
    const record: LogRecord = { event: 'log-lost', ...identity, lost: this.#lost, since };
    this.#lost = 0;
    this.#put(JSON.stringify(toLogRecord(clock.now(), record)));
  }
}

/** A log that writes every record to two. Only the first is a file that can be opened again. */
export function createTee(log: DecisionLog, other: DecisionLog): DecisionLog {
  return {
    get lostInAll() {
      return log.lostInAll + other.lostInAll;
    },
    write(record) {
      log.write(record);
      other.write(record);
    },
    ...(log.reopen && { reopen: (change) => log.reopen?.(change) as ReturnType<typeof log.reopen & object> }),
    async close() {
      await Promise.all([log.close(), other.close()]);
    },
  };
}
