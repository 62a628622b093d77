/** Clients of a release that operators drain: what they are told, and which release to move to. */

import type { ClientRange } from '../config/client-range.ts';
import { candidateLines } from '../policy/lines.ts';
import type { ClusterFacts, Policy } from '../policy/types.ts';
import { compareMinors, firstOf, printMinor, type Version } from '../version/version.ts';

/** Tells whether a client of that version would be admitted, as far as policy goes. */
type IsAdmitted = (version: Version) => boolean;

/**
 * The lowest release line above the client's that is not drained too and would be admitted today; null: the catalogue
 * knows none.
 */
export function lineOutside(
  client: Version,
  isDrained: ClientRange,
  { servers }: ClusterFacts,
  policy: Policy,
  isAdmitted: IsAdmitted,
): string | null {
  if (policy.kind !== 'skew') return null;
  const known = servers.flatMap(({ version }) => (version === null ? [] : [version]));
  const line = candidateLines(policy.catalogue, known, policy.window ?? 0).find(
    (candidate) =>
      compareMinors(candidate, client) > 0 &&
      !isDrained(firstOf(candidate)) &&
      isAdmitted(firstOf(candidate)),
  );
  return line === undefined ? null : printMinor(line);
}
