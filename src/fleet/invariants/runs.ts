/** Executions of upgrade steps, as the tables saw them. */
import type { UpgradeRun } from '../chronicle.ts';
import type { Breach } from '../invariants.ts';
import type { Evidence } from './evidence.ts';

/** One that was fenced off, left, or died with its server has done nothing that counts. */
const COUNTS: ReadonlySet<UpgradeRun['how']> = new Set(['completed', 'idle']);

export function overlappingRuns({ chronicle }: Evidence): Breach[] {
  const whole = chronicle.runs.filter(({ how }) => COUNTS.has(how));
  return whole.flatMap((older, place) =>
    whole
      .slice(place + 1)
      .filter((newer) => newer.from < (older.end as number))
      .map((newer) => ({
        at: newer.from,
        what: `an upgrade under token ${newer.token} ran on ${newer.server} while one under token ${older.token} ran on ${older.server}, and both went through`,
      })),
  );
}
