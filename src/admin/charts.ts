/** Numbers of the last hours at equal distances of time, for charts: a bounded number of them. */
import type { Clock, Timer } from '../ports/clock.ts';

/** ms between two of them. */
const STEP = 20_000;
/** Six hours. */
const MOST = 1_080;
/** Release lines that are told apart; sessions of others are counted as `other`. */
const MOST_LINES = 20;

/** A gate at one moment. */
export interface Look {
  /** Open sessions by release line. */
  readonly lines: Readonly<Record<string, number>>;
  /** Clients that wait. */
  readonly held: number;
}

interface Point extends Look {
  /** ms since the epoch. */
  readonly at: number;
  readonly admitted: number;
  readonly refused: number;
}

/** What is drawn: a column for each series, null where there is no number. */
export interface ChartColumns {
  /** s since the epoch. */
  readonly times: number[];
  readonly lines: Record<string, (number | null)[]>;
  readonly held: number[];
  /** Since the time before. */
  readonly admitted: number[];
  readonly refused: number[];
}

/** Collects them, from `start` to `stop`. */
export class Charts {
  readonly #clock: Clock;
  readonly #points: Point[] = [];
  #look: () => Look = () => ({ lines: {}, held: 0 });
  #timer: Timer | null = null;
  #admitted = 0;
  #refused = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count(wasAdmitted: boolean): void {
    if (wasAdmitted) this.#admitted++;
    else this.#refused++;
  }

  /** @param look says how the gate is at the moment */
  start(look: () => Look): void {
    this.#look = look;
    this.#take();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Oldest first; the last one is of now. */
  columns(): ChartColumns {
    const points = [...this.#points, this.#point()];
    const names = [...new Set(points.flatMap(({ lines }) => Object.keys(lines)))].sort(collator.compare);
    return {
      times: points.map(({ at }) => at / 1_000),
      lines: Object.fromEntries(names.map((name) => [name, points.map(({ lines }) => lines[name] ?? 0)])),
      held: points.map(({ held }) => held),
      admitted: points.map(({ admitted }) => admitted),
      refused: points.map(({ refused }) => refused),
    };
  }

  #take(): void {
    this.#points.push(this.#point());
    if (this.#points.length > MOST) this.#points.shift();
    this.#admitted = 0;
    this.#refused = 0;
    this.#timer = this.#clock.after(STEP, () => this.#take());
  }

  #point(): Point {
    const { lines, held } = this.#look();
    const counts = { admitted: this.#admitted, refused: this.#refused };
    return { at: this.#clock.now(), lines: boundedLines(lines), held, ...counts };
  }
}

/** As people order release lines. */
const collator = new Intl.Collator('en', { numeric: true });

function boundedLines(lines: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(lines).sort(([, one], [, other]) => other - one);
  const rest = entries.slice(MOST_LINES).reduce((sum, [, count]) => sum + count, 0);
  return { ...Object.fromEntries(entries.slice(0, MOST_LINES)), ...(rest > 0 && { other: rest }) };
}
