/** A store as one process reaches it: each call takes a moment on that process's clock, before and after. */

import type { Store } from '../migration/ledger/store.ts';
import { type Clock, pause } from '../ports/clock.ts';

const LATENCY = 1;

export function createRemoteStore(store: Store, clock: Clock): Store {
  const remotely = async <T>(act: () => Promise<T>): Promise<T> => {
    await pause(clock, LATENCY);
    const result = await act();
    await pause(clock, LATENCY);
    return result;
  };
  return {
    url: store.url,
    read: (cluster) => remotely(() => store.read(cluster)),
    swap: (cluster, swap) => remotely(() => store.swap(cluster, swap)),
    renew: (cluster, token, ms) => remotely(() => store.renew(cluster, token, ms)),
    history: (cluster) => remotely(() => store.history(cluster)),
    watch: (cluster, changed) => store.watch(cluster, () => void clock.after(LATENCY, changed)),
    async close() {},
  };
}
