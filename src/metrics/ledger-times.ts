/** How long requests to the ledger's store take, by what is asked of it. */
import type { Registry } from 'prom-client';
import { type Store, wrapStore } from '../migration/ledger/store.ts';
import type { Clock } from '../ports/clock.ts';
import { histogram } from './registry.ts';

/** What is asked of a store and answered; a watch is not. */
const OPS = ['read', 'swap', 'renew', 'history'] as const;

/** Gives a store that does as another one does, and notes how long each request took. */
export function createLedgerTimes(registry: Registry, clock: Clock): (store: Store) => Store {
  const times = histogram(registry, 'skewgate_ledger_request_seconds');
  for (const op of OPS) times.zero({ op });
  const timed = async <Answer>(op: (typeof OPS)[number], request: () => Promise<Answer>): Promise<Answer> => {
    const begun = clock.monotonic();
    try {
      return await request();
    } finally {
      times.observe({ op }, (clock.monotonic() - begun) / 1_000);
    }
  };
  return (store) =>
    wrapStore(store, {
      read: (...args) => timed('read', () => store.read(...args)),
      swap: (...args) => timed('swap', () => store.swap(...args)),
      renew: (...args) => timed('renew', () => store.renew(...args)),
      history: (...args) => timed('history', () => store.history(...args)),
    });
}
