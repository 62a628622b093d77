/** The store that a ledger address names. */
import path from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import { createEtcdStore } from './etcd.ts';
import { createMemoryStore } from './memory.ts';
import { createSqliteStore } from './sqlite.ts';
import type { Store } from './store.ts';
import { parseLedgerUrl } from './url.ts';

/** @param folder where a relative path starts. @throws {Error} if `url` is no ledger address. */
export function openStore(url: string, folder: string, clock: Clock): Store {
  const parsed = parseLedgerUrl(url);
  switch (parsed.kind) {
    case 'memory':
      return createMemoryStore(clock);
    case 'sqlite':
      return createSqliteStore({ file: path.resolve(folder, parsed.path), clock });
    case 'etcd':
      return createEtcdStore({ hosts: parsed.hosts });
  }
}
