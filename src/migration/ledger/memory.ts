/** A store inside the process: for tests, and for gates that need none. */
import type { Clock } from '../../ports/clock.ts';
import type { HistoryEntry } from './record.ts';
import type { Store } from './store.ts';

export function createMemoryStore(clock: Pick<Clock, 'now'>): Store {
  const rows = new Map<string, { revision: number; text: string; history: HistoryEntry[] }>();
  /** When the lease of each cluster's claim ends. */
  const leases = new Map<string, { readonly token: number; readonly expires: number }>();
  const watchers = new Set<{ readonly cluster: string; readonly changed: () => void }>();
  const isAlive = (cluster: string, token: number) => {
    const lease = leases.get(cluster);
    return lease?.token === token && lease.expires > clock.now();
  };
  return {
    url: 'memory:',
    async read(cluster) {
      const row = rows.get(cluster);
      const token = leases.get(cluster)?.token;
      const alive = new Set(token !== undefined && isAlive(cluster, token) ? [token] : []);
      return { revision: String(row?.revision ?? 0), text: row?.text ?? null, alive };
    },
    async swap(cluster, { expect, text, history, guard, vacant, grant, drop }) {
      const row = rows.get(cluster);
      if (String(row?.revision ?? 0) !== expect) return false;
      if (guard !== undefined && !isAlive(cluster, guard)) return false;
      if (vacant !== undefined && isAlive(cluster, vacant)) return false;
      rows.set(cluster, {
        revision: (row?.revision ?? 0) + 1,
        text,
        history: [...(row?.history ?? []), ...history],
      });
      if (grant) leases.set(cluster, { token: grant.token, expires: clock.now() + grant.ms });
      if (drop !== undefined && leases.get(cluster)?.token === drop) leases.delete(cluster);
      for (const watcher of [...watchers]) if (watcher.cluster === cluster) watcher.changed();
      return true;
    },
    async renew(cluster, token, ms) {
      if (!isAlive(cluster, token)) return false;
      leases.set(cluster, { token, expires: clock.now() + ms });
      return true;
    },
    async history(cluster) {
      return [...(rows.get(cluster)?.history ?? [])];
    },
    watch(cluster, changed) {
      const watcher = { cluster, changed };
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    async close() {},
  };
}
