/** Whether anything grew in the course of a soak: the slope of what stays after noise is taken out. */
import { slopeOf, spreadOf } from '../statistics.ts';

/** One look at the gate, and at what clients saw since the one before. */
export interface Sample {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly memoryKib: number;
  readonly descriptors: number;
  /** Of one core. */
  readonly cpu: number;
  readonly admitted: number;
  readonly refused: number;
  readonly megabytes: number;
  /** ms; null: nobody came. */
  readonly connectP50: number | null;
  readonly connectP99: number | null;
  readonly echoP50: number | null;
  readonly echoP99: number | null;
  readonly faults: number;
}

export interface Growth {
  readonly what: string;
  /** At the beginning, once warm. */
  readonly from: number;
  /** By the slope, over all the time that is judged. */
  readonly by: number;
  readonly allowed: number;
  readonly holds: boolean;
}

/** Shorter than this, seconds, nothing is said of growth: a heap takes its time to find its size. */
export const JUDGED_FROM = 600;
/**
 * What is left out at the beginning: this share, and no more than so many seconds. Under mixed traffic a gate's heap
 * went on growing for half an hour, then stood still for forty minutes and some 60,000 sessions.
 */
const WARM_UP = { share: 0.25, most: 1_800 };
const BUCKETS = 24;

interface Quantity {
  readonly what: string;
  readonly of: (sample: Sample) => number | null;
  /** What stands for a stretch of time: a heap is as large as it is after a collection. */
  readonly by: (values: readonly number[]) => number;
  readonly share: number;
  readonly least: number;
}

const least = (values: readonly number[]) => Math.min(...values);
const middle = (values: readonly number[]) => spreadOf(values).median;

const QUANTITIES: readonly Quantity[] = [
  { what: 'memory, KiB', of: (sample) => sample.memoryKib, by: least, share: 0.1, least: 8_192 },
  { what: 'descriptors', of: (sample) => sample.descriptors, by: middle, share: 0.1, least: 10 },
  {
    what: 'connect to permit, median, ms',
    of: (sample) => sample.connectP50,
    by: middle,
    share: 0.5,
    least: 2,
  },
  { what: 'echo, median, ms', of: (sample) => sample.echoP50, by: middle, share: 0.5, least: 2 },
];

/** What grew how much; none if the soak was too short. */
export function growthOf(samples: readonly Sample[]): Growth[] {
  const end = samples.at(-1)?.at ?? 0;
  const start = Math.min(end * WARM_UP.share, WARM_UP.most);
  if (end < JUDGED_FROM) return [];
  const judged = samples.filter(({ at }) => at >= start);
  return QUANTITIES.flatMap((quantity) => growthIn(judged, quantity, start, end));
}

function growthIn(
  judged: readonly Sample[],
  { what, of, by, share, least: smallest }: Quantity,
  start: number,
  end: number,
): Growth[] {
  const buckets = Map.groupBy(judged, ({ at }) =>
    Math.min(BUCKETS - 1, Math.floor(((at - start) / (end - start)) * BUCKETS)),
  );
  const points = [...buckets].flatMap(([bucket, samples]) => {
    const values = samples.map(of).filter((value) => value !== null);
    return values.length === 0 ? [] : [{ at: bucket, value: by(values) }];
  });
  const [first] = points;
  if (first === undefined) return [];
  const growth = slopeOf(points) * (BUCKETS - 1);
  const allowed = Math.max(first.value * share, smallest);
  return [{ what, from: first.value, by: growth, allowed, holds: growth <= allowed }];
}
