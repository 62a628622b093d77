/** A store inside the process: for tests, and for gates that need none. */
import type { Clock } from '../../ports/clock.ts';
import type { HistoryEntry } from './record.ts';
import type { Store } from './store.ts';

export function createMemoryStore(clock: Pick<Clock, 'now'>): Store {
  const rows = new Map<string, { revision: number; text: string; history: HistoryEntry[] }>();
  const leases = new Map<number, number>();
  const watchers = new Set<() => void>();
  const isAlive = (token: number) => (leases.get(token) ?? Number.NEGATIVE_INFINITY) > clock.now();
  return {
    url: 'memory:',
    async read(cluster) {
      const row = rows.get(cluster);
      const alive = new Set([...leases.keys()].filter(isAlive));
      return { revision: String(row?.revision ?? 0), text: row?.text ?? null, alive };
    },
    async swap(cluster, { expect, text, history, guard, vacant, grant, drop }) {
      const row = rows.get(cluster);
      if (String(row?.revision ?? 0) !== expect) return false;
      if (guard !== undefined && !isAlive(guard)) return false;
      if (vacant !== undefined && isAlive(vacant)) return false;
      rows.set(cluster, {
        revision: (row?.revision ?? 0) + 1,
        text,
        history: [...(row?.history ?? []), ...history],
      });
      if (grant) leases.set(grant.token, clock.now() + grant.ms);
      if (drop !== undefined) leases.delete(drop);
      for (const changed of [...watchers]) changed();
      return true;
    },
    async renew(_cluster, token, ms) {
      if (!isAlive(token)) return false;
      leases.set(token, clock.now() + ms);
      return true;
    },
    async history(cluster) {
      return [...(rows.get(cluster)?.history ?? [])];
    },
    watch(_cluster, changed) {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    async close() {},
  };
}
