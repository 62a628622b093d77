/** Asks the policy which clients the fleet, in its present state, would admit. */
import type { Code } from '../policy/codes.ts';
import { decide } from '../policy/decide.ts';
import type { ClusterFacts, Policy, ServerFacts, UpgradeState, Verdict } from '../policy/types.ts';
import { firstOf, parseMinor, parseVersion, type Version } from '../version/version.ts';
import type { NodeState, StateSpan } from './state-timeline.ts';

export type Cell = Verdict | Code;

const STATES: Readonly<Record<NodeState, ServerFacts['state']>> = {
  up: 'up',
  leaving: 'draining',
  paused: 'down',
  down: 'down',
};

/**
 * The cluster as policy is asked about it, from the states that its servers are in. @param nodes gates are passed over
 */
export function clusterOf(
  nodes: readonly StateSpan[],
  level: number | null,
  upgrade: UpgradeState,
): ClusterFacts {
  const servers = nodes.flatMap(({ id, version, state }) =>
    version === null ? [] : [{ id, version: parseVersion(version), state: STATES[state] }],
  );
  return { servers, level, upgrade };
}

/** In the words of `wanted`: a verdict where it is one, else a code. `server`: of it alone, nothing to upgrade. */
export function cellOf(
  wanted: Cell,
  client: string,
  server: string | null,
  { cluster, policy, now }: { cluster: ClusterFacts; policy: Policy; now: number },
): Cell {
  const facts: ClusterFacts =
    server === null
      ? cluster
      : {
          servers: [{ id: 'server', version: versionOf(server), state: 'up' }],
          level: null,
          upgrade: { state: 'idle' },
        };
  const { verdict, code } = decide({ version: versionOf(client), upgrade: 'may' }, facts, policy, now);
  return wanted === wanted.toLowerCase() ? verdict : code;
}

/** A version, or the first one of a release line such as `4.14`. */
export function versionOf(text: string): Version {
  return /^\d+\.\d+$/.test(text) ? firstOf(parseMinor(text)) : parseVersion(text);
}
