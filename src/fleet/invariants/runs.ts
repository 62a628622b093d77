/** Executions of upgrade steps, as the tables saw them. */

import { compareMinors, parseVersion, printVersion } from '../../version/version.ts';
import type { UpgradeRun } from '../ground-truth.ts';
import type { Breach } from './breach.ts';
import type { Evidence } from './evidence.ts';
import { knownTo } from './knowledge.ts';

/** One that was fenced off, left, or died with its server has done nothing that counts. */
const COUNTS: ReadonlySet<UpgradeRun['how']> = new Set(['completed', 'idle']);

/** Executions of upgrade steps that overlapped and both went through. */
export function overlappingRuns({ truth }: Evidence): Breach[] {
  const whole = truth.runs.filter(({ how }) => COUNTS.has(how));
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

/** M1 for whoever brings the upgrade, said without the policy's code. */
export function runTooEarly(evidence: Evidence): Breach[] {
  const { truth, history, policy } = evidence;
  if (policy.scope !== 'cluster') return [];
  return truth.runs.flatMap(({ token, from, server }) => {
    const brought = history.find(({ what, token: given }) => what === 'planned' && given === token)?.trigger;
    const gate = truth.grants.find((grant) => grant.token === token)?.gate;
    if (brought === undefined || gate === undefined) return [];
    const client = parseVersion(brought.client);
    const older = knownTo(gate, from, evidence).servers.find(({ versions }) =>
      versions.every((version) => version !== null && compareMinors(version, client) < 0),
    );
    const what = `an upgrade that client ${printVersion(client)} brought ran on ${server} while ${older?.id} was older`;
    return older === undefined ? [] : [{ at: from, what }];
  });
}
