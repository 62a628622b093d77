/** What the servers of a cluster agree on. */
import type { Cluster } from '../cluster/cluster.ts';

/** The level that every server which is up and keeps tables reports; null: there is none, or they differ. */
export function agreedLevel({ servers }: Cluster): number | null {
  const levels = new Set(
    servers.filter(({ state, level }) => state === 'up' && level !== null).map(({ level }) => level),
  );
  const [level = null] = levels;
  return levels.size === 1 ? level : null;
}
