/** The decision logs of all gates of a simulated fleet, as one. */
import { createRecorder } from '../../decision/log.ts';
import type { DecisionLog } from '../../decision/record.ts';
import type { Decision } from '../../policy/types.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logged } from '../driver.ts';
import type { GroundTruth } from '../ground-truth.ts';
import type { NodeClock } from '../node-clock.ts';

/** Keeps what the gates write, in order, and notes in the truth who wrote it and when. */
export class FleetLog {
  readonly lines: string[] = [];
  readonly records: Logged[] = [];
  readonly #clock: Pick<Clock, 'now'>;
  readonly #truth: GroundTruth;
  readonly #traces = new Map<string, Decision['trace']>();

  /** @param clock the true time */
  constructor(clock: Pick<Clock, 'now'>, truth: GroundTruth) {
    this.#clock = clock;
    this.#truth = truth;
  }

  /** The log of one gate's process, on that process's clock. What a dead process was about to write is lost. */
  open(gate: string, process: NodeClock): DecisionLog {
    const write = createRecorder((line) => {
      if (process.dead) return;
      const record = this.#withSharedTrace(JSON.parse(line) as Logged);
      this.records.push(record);
      this.#truth.records.push({ gate, at: this.#clock.now(), record });
      this.lines.push(line);
    }, process);
    return { write, close: async () => {} };
  }

  /** Most clients are judged alike: equal traces are kept once. */
  #withSharedTrace(record: Logged): Logged {
    if (record.event !== 'handshake') return record;
    const key = JSON.stringify(record.trace);
    const trace = this.#traces.get(key) ?? record.trace ?? [];
    this.#traces.set(key, trace);
    return Object.assign(record, { trace });
  }
}
