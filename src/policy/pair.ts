/**
 * One client against one server: the arithmetic of J1, M1, M2 and P1. The set of servers is judged in
 * `decide.ts`, which asks this for each of them.
 */
import { type Catalogue, entriesOf, windowOfLine } from '../version/catalogue.ts';
import { compareMinors, type Minor, printMinor, type Version } from '../version/version.ts';
import type { SkewPolicy } from './types.ts';

export type PairVerdict =
  /** Same minor: whatever the patches, it works (P1). */
  | { readonly fits: true; readonly by: 'P1' }
  /** Older, inside the window (M2). */
  | { readonly fits: true; readonly by: 'M2' }
  /** An older major that this server line still accepts (J1). */
  | { readonly fits: true; readonly by: 'J1' }
  | { readonly fits: false; readonly by: 'M1' | 'J1'; readonly code: 'SERVER_OUTDATED' }
  | { readonly fits: false; readonly by: 'J1'; readonly code: 'MAJOR_MISMATCH' }
  | { readonly fits: false; readonly by: 'M2'; readonly code: 'CLIENT_OUTDATED' };

/** Whether one server takes one client, and by which rule; what the rest of the cluster says is left out. */
export function judgePair(client: Version, server: Version, policy: SkewPolicy): PairVerdict {
  const order = compareMinors(client, server);
  if (order === 0) return { fits: true, by: 'P1' };
  if (order > 0)
    return { fits: false, by: client.major > server.major ? 'J1' : 'M1', code: 'SERVER_OUTDATED' };
  if (client.major < server.major)
    return accepts(policy.catalogue, server, client)
      ? { fits: true, by: 'J1' }
      : { fits: false, by: 'J1', code: 'MAJOR_MISMATCH' };
  const window = windowOf(policy, server);
  return window === null || server.minor - client.minor <= window
    ? { fits: true, by: 'M2' }
    : { fits: false, by: 'M2', code: 'CLIENT_OUTDATED' };
}

/** Minors a client may be older than a server of this line; null: any number. */
export function windowOf(policy: SkewPolicy, server: Minor): number | null {
  return windowOfLine(policy.catalogue, server) ?? policy.window;
}

/** J1: whether the catalogue says that servers of this line still take clients of an older major's line. */
function accepts(catalogue: Catalogue, server: Minor, client: Minor): boolean {
  return entriesOf(catalogue, server).some((entry) =>
    entry.accepts?.some((line) => printMinor(line) === printMinor(client)),
  );
}
