/** A ledger's store as one process reaches it: each call and each answer takes a moment on that process's clock. */

import { LedgerUnavailable, type Store } from '../migration/ledger/store.ts';
import { type Clock, pause } from '../ports/clock.ts';

const LATENCY = 1;

/** @param isCut whether nothing gets through at the moment: a call is lost on its way, or its answer is. */
export function createRemoteStore(store: Store, clock: Clock, isCut: () => boolean = () => false): Store {
  const pass = async () => {
    await pause(clock, LATENCY);
    if (isCut()) throw new LedgerUnavailable(`no route to ${store.url}`);
  };
  const remotely = async <T>(act: () => Promise<T>): Promise<T> => {
    await pass();
    const result = await act();
    await pass();
    return result;
  };
  return {
    url: store.url,
    read: (cluster) => remotely(() => store.read(cluster)),
    swap: (cluster, swap) => remotely(() => store.swap(cluster, swap)),
    renew: (cluster, token, ms) => remotely(() => store.renew(cluster, token, ms)),
    history: (cluster) => remotely(() => store.history(cluster)),
    watch: (cluster, changed) =>
      store.watch(cluster, () => {
        if (!isCut()) clock.after(LATENCY, changed);
      }),
    async close() {},
  };
}
