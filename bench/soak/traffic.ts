/** The traffic of a soak: of each kind of client so many, coming again and again until it is over. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  beRefused,
  bothWays,
  comeAndGo,
  download,
  readSlowly,
  reset,
  stay,
  upload,
  type Way,
} from './clients.ts';

interface Crew {
  readonly name: string;
  readonly kind: Way['kind'];
  readonly client: (way: Way) => Promise<void>;
  /** How many at once. */
  readonly count: number;
  /** ms between one that left and the next. */
  readonly gap: number;
}

/** A few dozen sessions at any time, some thirty new ones a second, about 10 MB a second. */
const CREWS: readonly Crew[] = [
  { name: 'short, TCP', kind: 'tcp', client: comeAndGo, count: 2, gap: 100 },
  { name: 'short, WebSocket', kind: 'ws', client: comeAndGo, count: 1, gap: 100 },
  { name: 'long, TCP', kind: 'tcp', client: stay, count: 30, gap: 500 },
  { name: 'long, WebSocket', kind: 'ws', client: stay, count: 15, gap: 500 },
  { name: 'upload, TCP', kind: 'tcp', client: upload, count: 1, gap: 5_000 },
  { name: 'upload, WebSocket', kind: 'ws', client: upload, count: 1, gap: 10_000 },
  { name: 'download, TCP', kind: 'tcp', client: download, count: 1, gap: 5_000 },
  { name: 'download, WebSocket', kind: 'ws', client: download, count: 1, gap: 10_000 },
  { name: 'slow reader, TCP', kind: 'tcp', client: readSlowly, count: 3, gap: 1_000 },
  { name: 'slow reader, WebSocket', kind: 'ws', client: readSlowly, count: 2, gap: 1_000 },
  { name: 'both ways, TCP', kind: 'tcp', client: bothWays, count: 2, gap: 3_000 },
  { name: 'both ways, WebSocket', kind: 'ws', client: bothWays, count: 1, gap: 3_000 },
  { name: 'reset', kind: 'tcp', client: reset, count: 1, gap: 200 },
  { name: 'refused, TCP', kind: 'tcp', client: beRefused, count: 1, gap: 1_000 },
  { name: 'refused, WebSocket', kind: 'ws', client: beRefused, count: 1, gap: 2_000 },
];

/** Runs all of it until `over` aborts; resolves once everybody has left. */
export async function runTraffic(
  ports: Readonly<Record<Way['kind'], number>>,
  shared: Pick<Way, 'tally' | 'random' | 'over'>,
): Promise<void> {
  await Promise.all(
    CREWS.flatMap((crew) =>
      Array.from({ length: crew.count }, () =>
        comeAgain(crew, { ...shared, kind: crew.kind, port: ports[crew.kind] }),
      ),
    ),
  );
}

async function comeAgain({ name, client, gap }: Crew, way: Way): Promise<void> {
  const rest = (ms: number) => pause(ms, undefined, { signal: way.over }).catch(() => {});
  // Not all at the same moment.
  await rest(way.random.next() * gap);
  while (!way.over.aborted) {
    await client(way).catch((error) => way.tally.fault(name, error));
    await rest(gap);
  }
}
