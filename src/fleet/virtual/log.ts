/** The decision logs of all gates of a simulated fleet, as one. */
import { lineOf } from '../../decision/formats.ts';
import type { DecisionLog, LogRecord } from '../../decision/record.ts';
import type { TraceStep } from '../../policy/types.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logged } from '../driver.ts';
import type { GroundTruth } from '../ground-truth.ts';
import type { NodeClock } from '../node-clock.ts';

type Trace = readonly TraceStep[];

/**
 * Keeps what the gates write, in order, and notes in the truth who wrote it and when. A record is kept as it was
 * written: it is plain data that nobody changes, and becomes a line when somebody wants lines.
 */
export class FleetLog {
  readonly records: Logged[] = [];
  readonly #clock: Pick<Clock, 'now'>;
  readonly #truth: GroundTruth;
  /** The last of each length. */
  readonly #traces: Trace[] = [];

  /** @param clock the true time */
  constructor(clock: Pick<Clock, 'now'>, truth: GroundTruth) {
    this.#clock = clock;
    this.#truth = truth;
  }

  /** The records as NDJSON lines. */
  get lines(): string[] {
    return this.records.map(({ time, ...record }) => lineOf(time, record as LogRecord));
  }

  /** The log of one gate's process, on that process's clock. What a dead process was about to write is lost. */
  open(gate: string, process: NodeClock): DecisionLog {
    const write = (written: LogRecord) => {
      if (process.dead) return;
      const time = new Date(process.now()).toISOString();
      const record =
        written.event === 'handshake' && written.trace !== undefined
          ? { ...written, trace: this.#shared(written.trace), time }
          : { ...written, time };
      this.records.push(record);
      this.#truth.records.push({ gate, at: this.#clock.now(), record });
    };
    return { lostInAll: 0, write, close: async () => {} };
  }

  /** Most clients are judged alike, one like the one before: their trace is kept once. */
  #shared(trace: Trace): Trace {
    const last = this.#traces[trace.length];
    if (last !== undefined && isSame(last, trace)) return last;
    this.#traces[trace.length] = trace;
    return trace;
  }
}

function isSame(one: Trace, other: Trace): boolean {
  return one.every(({ rule, outcome, because }, at) => {
    const step = other[at];
    return step?.because === because && step.outcome === outcome && step.rule === rule;
  });
}
